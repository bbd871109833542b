#include "testing/reference_operations.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "engine/backend.h"

namespace molgen3d {
namespace {

double half_to_double(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  double value = 0;
  if (exponent == 31) {
    value = mantissa == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(mantissa, -24);
  } else {
    value = std::ldexp(1024 + mantissa, exponent - 25);
  }
  return (bits >> 15) != 0 ? -value : value;
}

template <typename T>
T element(const TensorView& tensor, size_t index) {
  T value;
  std::memcpy(&value, tensor.bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

std::vector<double> widen(const TensorView& tensor) {
  std::vector<double> out(tensor.elements());
  for (size_t i = 0; i < out.size(); ++i) {
    switch (tensor.type) {
      case DataType::kFloat32:
        out[i] = static_cast<double>(element<float>(tensor, i));
        break;
      case DataType::kFloat16:
        out[i] = half_to_double(element<uint16_t>(tensor, i));
        break;
      case DataType::kBFloat16:
        out[i] = static_cast<double>(
            std::bit_cast<float>(static_cast<uint32_t>(element<uint16_t>(tensor, i)) << 16));
        break;
    }
  }
  return out;
}

double dot(const double* a, const double* b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// y [rows_w] = W [rows_w, n] x [n].
void multiply(const std::vector<double>& w, const double* x, size_t n, double* y) {
  for (size_t r = 0; r < w.size() / n; ++r) y[r] = dot(&w[r * n], x, n);
}

void rms_norm(const double* x, const std::vector<double>& weight, double eps, double* y) {
  const size_t n = weight.size();
  const double scale = 1 / std::sqrt(dot(x, x, n) / static_cast<double>(n) + eps);
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * scale * weight[i];
}

/// What Llama 3.1 makes of a rotary frequency, by wavelength as in Meta's apply_scaling: short ones
/// stay, long ones are stretched, between the two a straight line in 1 / wavelength.
double llama3_scaled(double frequency, const Llama3RopeScaling& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const double longest_kept = scaling.original_max_positions / scaling.high_frequency_factor;
  const double shortest_stretched = scaling.original_max_positions / scaling.low_frequency_factor;
  if (wavelength < longest_kept) return frequency;
  if (wavelength > shortest_stretched) return frequency / scaling.factor;
  const double kept =
      (1 / wavelength - 1 / shortest_stretched) / (1 / longest_kept - 1 / shortest_stretched);
  return kept * frequency + (1 - kept) * frequency / scaling.factor;
}

}  // namespace

ReferenceOperations::ReferenceOperations(const Checkpoint& checkpoint, size_t pages)
    : config_(checkpoint.config()), pages_(pages) {
  const auto load = [&](const std::string& name) { return widen(checkpoint.tensor(name)); };
  embedding_ = load("model.embed_tokens.weight");
  output_ = load("lm_head.weight");
  final_norm_ = load("model.norm.weight");
  for (int i = 0; i < config_.head_dim; i += 2) {
    const double exponent = static_cast<double>(i) / config_.head_dim;
    const double frequency = 1 / std::pow(config_.rope_theta, exponent);
    inverse_frequencies_.push_back(
        config_.rope_scaling ? llama3_scaled(frequency, *config_.rope_scaling) : frequency);
  }
  for (int l = 0; l < config_.layers; ++l) {
    const std::string prefix = "model.layers." + std::to_string(l) + ".";
    Layer layer;
    layer.input_norm = load(prefix + "input_layernorm.weight");
    layer.query = load(prefix + "self_attn.q_proj.weight");
    layer.key = load(prefix + "self_attn.k_proj.weight");
    layer.value = load(prefix + "self_attn.v_proj.weight");
    layer.attention_output = load(prefix + "self_attn.o_proj.weight");
    if (config_.has_qk_norm()) {
      layer.query_norm = load(prefix + "self_attn.q_norm.weight");
      layer.key_norm = load(prefix + "self_attn.k_norm.weight");
    }
    layer.feed_forward_norm = load(prefix + "post_attention_layernorm.weight");
    layer.gate = load(prefix + "mlp.gate_proj.weight");
    layer.up = load(prefix + "mlp.up_proj.weight");
    layer.down = load(prefix + "mlp.down_proj.weight");
    layers_.push_back(std::move(layer));
  }
  const size_t elements = pages * kPageTokens * config_.kv_elements_per_token() / 2;
  keys_.assign(elements, std::numeric_limits<double>::quiet_NaN());
  values_ = keys_;
}

double* ReferenceOperations::cached(Vector& cache, int layer, uint32_t page, size_t offset,
                                    size_t kv_head) {
  const size_t slot = (static_cast<size_t>(layer) * pages_ + page) * kPageTokens + offset;
  return &cache[(slot * static_cast<size_t>(config_.kv_heads) + kv_head) *
                static_cast<size_t>(config_.head_dim)];
}

// Pairs (i, i + half), as Hugging Face's rotate_half.
void ReferenceOperations::rotate(double* head, size_t position) const {
  const size_t half = inverse_frequencies_.size();
  for (size_t i = 0; i < half; ++i) {
    const double angle = static_cast<double>(position) * inverse_frequencies_[i];
    const double a = head[i], b = head[i + half];
    head[i] = a * std::cos(angle) - b * std::sin(angle);
    head[i + half] = b * std::cos(angle) + a * std::sin(angle);
  }
}

void ReferenceOperations::embed(const Pass& pass) {
  pass_ = pass;
  const size_t rows = pass.tokens.size(), hidden = static_cast<size_t>(config_.hidden);
  x_.resize(rows * hidden);
  for (size_t r = 0; r < rows; ++r) {
    std::copy_n(&embedding_[static_cast<size_t>(pass.tokens[r]) * hidden], hidden, &x_[r * hidden]);
  }
}

void ReferenceOperations::project_and_append(int l) {
  const Layer& layer = layers_[static_cast<size_t>(l)];
  const size_t hidden = static_cast<size_t>(config_.hidden);
  const size_t dim = static_cast<size_t>(config_.head_dim);
  const size_t heads = static_cast<size_t>(config_.heads);
  const size_t kv_heads = static_cast<size_t>(config_.kv_heads);
  const double eps = static_cast<double>(config_.rms_norm_eps);
  query_.resize(pass_.tokens.size() * heads * dim);
  Vector normed(hidden), key(kv_heads * dim), value(kv_heads * dim);
  for (const PassSequence& sequence : pass_.sequences) {
    for (uint32_t i = 0; i < sequence.rows; ++i) {
      const size_t row = sequence.first_row + i, position = sequence.first_position + i;
      double* query = &query_[row * heads * dim];
      rms_norm(&x_[row * hidden], layer.input_norm, eps, normed.data());
      multiply(layer.query, normed.data(), hidden, query);
      multiply(layer.key, normed.data(), hidden, key.data());
      multiply(layer.value, normed.data(), hidden, value.data());
      for (size_t h = 0; h < heads; ++h) {
        double* head = query + h * dim;
        if (config_.has_qk_norm()) rms_norm(head, layer.query_norm, eps, head);
        rotate(head, position);
      }
      const uint32_t page = sequence.pages[position / kPageTokens];
      for (size_t h = 0; h < kv_heads; ++h) {
        double* head = &key[h * dim];
        if (config_.has_qk_norm()) rms_norm(head, layer.key_norm, eps, head);
        rotate(head, position);
        std::copy_n(head, dim, cached(keys_, l, page, position % kPageTokens, h));
        std::copy_n(&value[h * dim], dim, cached(values_, l, page, position % kPageTokens, h));
      }
    }
  }
}

void ReferenceOperations::attend(int l) {
  const size_t dim = static_cast<size_t>(config_.head_dim);
  const size_t heads = static_cast<size_t>(config_.heads);
  const size_t group = heads / static_cast<size_t>(config_.kv_heads);
  attention_.assign(query_.size(), 0);
  Vector scores;
  for (const PassSequence& sequence : pass_.sequences) {
    for (uint32_t i = 0; i < sequence.rows; ++i) {
      const size_t row = sequence.first_row + i;
      scores.resize(sequence.first_position + i + 1);  // causal: up to the token itself
      for (size_t h = 0; h < heads; ++h) {
        const double* query = &query_[(row * heads + h) * dim];
        double* out = &attention_[(row * heads + h) * dim];
        for (size_t p = 0; p < scores.size(); ++p) {
          const uint32_t page = sequence.pages[p / kPageTokens];
          scores[p] = dot(query, cached(keys_, l, page, p % kPageTokens, h / group), dim) /
                      std::sqrt(static_cast<double>(dim));
        }
        const double top = *std::max_element(scores.begin(), scores.end());
        double sum = 0;
        for (double& s : scores) sum += s = std::exp(s - top);
        for (size_t p = 0; p < scores.size(); ++p) {
          const uint32_t page = sequence.pages[p / kPageTokens];
          const double* value = cached(values_, l, page, p % kPageTokens, h / group);
          for (size_t d = 0; d < dim; ++d) out[d] += scores[p] / sum * value[d];
        }
      }
    }
  }
}

void ReferenceOperations::add_attention_output(int l) {
  const size_t hidden = static_cast<size_t>(config_.hidden);
  const size_t width = attention_.size() / pass_.tokens.size();
  Vector out(hidden);
  for (size_t r = 0; r < pass_.tokens.size(); ++r) {
    multiply(layers_[static_cast<size_t>(l)].attention_output, &attention_[r * width], width,
             out.data());
    for (size_t i = 0; i < hidden; ++i) x_[r * hidden + i] += out[i];
  }
}

void ReferenceOperations::gated_feed_forward(int l) {
  const Layer& layer = layers_[static_cast<size_t>(l)];
  const size_t hidden = static_cast<size_t>(config_.hidden);
  const size_t width = static_cast<size_t>(config_.intermediate);
  feed_.resize(pass_.tokens.size() * width);
  Vector normed(hidden), up(width);
  for (size_t r = 0; r < pass_.tokens.size(); ++r) {
    double* gate = &feed_[r * width];
    rms_norm(&x_[r * hidden], layer.feed_forward_norm, static_cast<double>(config_.rms_norm_eps),
             normed.data());
    multiply(layer.gate, normed.data(), hidden, gate);
    multiply(layer.up, normed.data(), hidden, up.data());
    for (size_t i = 0; i < width; ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
  }
}

void ReferenceOperations::add_feed_forward(int l) {
  const size_t hidden = static_cast<size_t>(config_.hidden);
  const size_t width = static_cast<size_t>(config_.intermediate);
  Vector out(hidden);
  for (size_t r = 0; r < pass_.tokens.size(); ++r) {
    multiply(layers_[static_cast<size_t>(l)].down, &feed_[r * width], width, out.data());
    for (size_t i = 0; i < hidden; ++i) x_[r * hidden + i] += out[i];
  }
}

void ReferenceOperations::output(std::span<const uint32_t> rows, std::span<const TokenId> ids,
                                 std::span<float> logits) {
  const size_t hidden = static_cast<size_t>(config_.hidden);
  const size_t columns = ids.empty() ? static_cast<size_t>(config_.vocabulary) : ids.size();
  Vector normed(hidden);
  for (size_t r = 0; r < rows.size(); ++r) {
    rms_norm(&x_[rows[r] * hidden], final_norm_, static_cast<double>(config_.rms_norm_eps),
             normed.data());
    for (size_t c = 0; c < columns; ++c) {
      const size_t id = ids.empty() ? c : static_cast<size_t>(ids[c]);
      logits[r * columns + c] =
          static_cast<float>(dot(&output_[id * hidden], normed.data(), hidden));
    }
  }
}

bool ReferenceOperations::read_residual(std::span<float> x) {
  std::transform(x_.begin(), x_.end(), x.begin(), [](double v) { return static_cast<float>(v); });
  return true;
}

}  // namespace molgen3d
