#include "engine/cpu/packed_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

namespace molgen3d::cpu {
namespace {

float float_of_half(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits >> 15) << 31;
  const uint32_t exponent = bits >> 10 & 31U, mantissa = bits & 1023U;
  if (exponent == 0) {  // zero and subnormal: exact in float
    return std::bit_cast<float>(
        sign | std::bit_cast<uint32_t>(std::ldexp(static_cast<float>(mantissa), -24)));
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | mantissa << 13);
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

float to_float(BFloat16 v) {
  return std::bit_cast<float>(static_cast<uint32_t>(v) << 16);
}

void convert(float v, float& out) {
  out = v;
}
void convert(float v, BFloat16& out) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  out = std::isnan(v) ? 0x7FC0 : static_cast<BFloat16>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/// Row `row` of a tensor seen as [.., columns].
template <typename T>
void read_row(const TensorView& tensor, size_t row, size_t columns, T* out) {
  const std::byte* source = tensor.bytes.data() + row * columns * size_of(tensor.type);
  for (size_t i = 0; i < columns; ++i) {
    if (tensor.type == DataType::kFloat32) {
      float v;
      std::memcpy(&v, source + 4 * i, 4);
      convert(v, out[i]);
    } else {
      uint16_t v;
      std::memcpy(&v, source + 2 * i, 2);
      convert(tensor.type == DataType::kBFloat16 ? to_float(v) : float_of_half(v), out[i]);
    }
  }
}

/// Where element k of a column lies in its panel.
template <typename T>
size_t packed_index(size_t k, size_t lane) {
  if constexpr (sizeof(T) == 4) return k * kPanel + lane;
  return (k / 2 * kPanel + lane) * 2 + k % 2;
}

/// Packs rows [first, first + rows) of `tensor` as one panel; the memory is zero.
template <typename T>
void pack_panel(const TensorView& tensor, size_t first, size_t rows, size_t columns, T* panel) {
  std::vector<T> row(columns);
  for (size_t lane = 0; lane < rows; ++lane) {
    read_row(tensor, first + lane, columns, row.data());
    for (size_t k = 0; k < columns; ++k) panel[packed_index<T>(k, lane)] = row[k];
  }
}

}  // namespace

Shape::Shape(const ModelConfig& config)
    : layers(static_cast<size_t>(config.layers)),
      hidden(static_cast<size_t>(config.hidden)),
      heads(static_cast<size_t>(config.heads)),
      kv_heads(static_cast<size_t>(config.kv_heads)),
      group(heads / kv_heads),
      dim(static_cast<size_t>(config.head_dim)),
      hidden_stride(round_up(hidden, kPanel)),
      attention_stride(round_up(heads * dim, kPanel)),
      intermediate_stride(round_up(static_cast<size_t>(config.intermediate), kPanel)),
      head_panels(round_up(dim, kPanel) / kPanel),
      hidden_panels(hidden_stride / kPanel),
      intermediate_panels(intermediate_stride / kPanel),
      vocabulary_panels(round_up(static_cast<size_t>(config.vocabulary), kPanel) / kPanel) {}

size_t Shape::layer_elements() const {
  return 2 * hidden_stride + 2 * round_up(dim, kPanel) +
         (heads + 2 * kv_heads) * head_panels * kPanel * hidden_stride +
         hidden_panels * kPanel * (attention_stride + intermediate_stride) +
         2 * intermediate_panels * kPanel * hidden_stride;
}

size_t Shape::weight_elements(bool tied, size_t vocabulary) const {
  return layers * layer_elements() + hidden_stride + vocabulary_panels * kPanel * hidden_stride +
         (tied ? 0 : vocabulary * hidden_stride);
}

namespace {

/// Takes memory piece by piece and packs a checkpoint's tensors into it.
template <typename T>
class Packer {
 public:
  Packer(const Checkpoint& checkpoint, const Shape& shape, ThreadPool& pool, HugeBuffer& memory)
      : checkpoint_(checkpoint),
        shape_(shape),
        pool_(pool),
        next_(reinterpret_cast<T*>(memory.data())) {}

  T* take(size_t elements) {
    T* begin = next_;
    next_ += elements;
    return begin;
  }
  void read(const std::string& name, size_t n, T* out) {
    read_row(checkpoint_.tensor(name), 0, n, out);
  }
  T* vector(const std::string& name, size_t n) {
    T* out = take(round_up(n, kPanel));
    read(name, n, out);
    return out;
  }
  T* matrix(const std::string& name, size_t panels, size_t columns, size_t stride) {
    T* out = take(panels * kPanel * stride);
    fill(name, out, panels, columns, stride, 1);
    return out;
  }
  /// Panel p of `count` holds rows from p * kPanel; every `step`-th panel of memory is used.
  void fill(const std::string& name, T* out, size_t count, size_t columns, size_t stride,
            size_t step) {
    const TensorView tensor = checkpoint_.tensor(name);
    const size_t rows = tensor.elements() / columns;
    pool_.parallel_for(count, 1, [&](size_t begin, size_t end) {
      for (size_t p = begin; p < end; ++p) {
        pack_panel(tensor, p * kPanel, std::min(kPanel, rows - p * kPanel), columns,
                   out + p * step * kPanel * stride);
      }
    });
  }
  /// Queries, keys and values as one matrix whose heads begin on a panel.
  T* heads(const std::string& attention) {
    const size_t head_size = shape_.head_panels * kPanel * shape_.hidden_stride;
    T* const all = take((shape_.heads + 2 * shape_.kv_heads) * head_size);
    T* out = all;
    for (const auto& [name, count] :
         {std::pair{"q_proj", shape_.heads}, std::pair{"k_proj", shape_.kv_heads},
          std::pair{"v_proj", shape_.kv_heads}}) {
      const TensorView tensor = checkpoint_.tensor(attention + name + ".weight");
      pool_.parallel_for(count, 1, [&](size_t begin, size_t end) {
        for (size_t h = begin; h < end; ++h) {
          for (size_t first = 0; first < shape_.dim; first += kPanel) {
            pack_panel(tensor, h * shape_.dim + first, std::min(kPanel, shape_.dim - first),
                       shape_.hidden, out + h * head_size + first * shape_.hidden_stride);
          }
        }
      });
      out += count * head_size;
    }
    return all;
  }
  /// Rows as they are, each padded to hidden_stride.
  T* rows(const std::string& name, size_t count) {
    const TensorView tensor = checkpoint_.tensor(name);
    T* out = take(count * shape_.hidden_stride);
    pool_.parallel_for(count, 256, [&](size_t begin, size_t end) {
      for (size_t id = begin; id < end; ++id) {
        read_row(tensor, id, shape_.hidden, out + id * shape_.hidden_stride);
      }
    });
    return out;
  }

 private:
  const Checkpoint& checkpoint_;
  const Shape& shape_;
  ThreadPool& pool_;
  T* next_;
};

}  // namespace

template <typename T>
PackedWeights<T>::PackedWeights(const Checkpoint& checkpoint, ThreadPool& pool)
    : shape_(checkpoint.config()),
      memory_(shape_.weight_elements(checkpoint.config().tied_embeddings,
                                     static_cast<size_t>(checkpoint.config().vocabulary)) *
                  sizeof(T),
              "weights") {
  const ModelConfig& config = checkpoint.config();
  Packer<T> packer(checkpoint, shape_, pool, memory_);
  const size_t hidden = shape_.hidden;
  for (size_t l = 0; l < shape_.layers; ++l) {
    const std::string prefix = "model.layers." + std::to_string(l) + ".";
    Layer layer;
    layer.input_norm = packer.vector(prefix + "input_layernorm.weight", hidden);
    layer.feed_forward_norm = packer.vector(prefix + "post_attention_layernorm.weight", hidden);
    T* norms = packer.take(2 * round_up(shape_.dim, kPanel));
    if (config.has_qk_norm()) {
      T* key_norm = norms + round_up(shape_.dim, kPanel);
      packer.read(prefix + "self_attn.q_norm.weight", shape_.dim, norms);
      packer.read(prefix + "self_attn.k_norm.weight", shape_.dim, key_norm);
      layer.query_norm = norms;
      layer.key_norm = key_norm;
    }
    layer.heads = packer.heads(prefix + "self_attn.");
    layer.attention_output = packer.matrix(prefix + "self_attn.o_proj.weight", shape_.hidden_panels,
                                           shape_.heads * shape_.dim, shape_.attention_stride);
    T* gate_up = packer.take(2 * shape_.intermediate_panels * kPanel * shape_.hidden_stride);
    packer.fill(prefix + "mlp.gate_proj.weight", gate_up, shape_.intermediate_panels, hidden,
                shape_.hidden_stride, 2);
    packer.fill(prefix + "mlp.up_proj.weight", gate_up + kPanel * shape_.hidden_stride,
                shape_.intermediate_panels, hidden, shape_.hidden_stride, 2);
    layer.gate_up = gate_up;
    layer.down =
        packer.matrix(prefix + "mlp.down_proj.weight", shape_.hidden_panels,
                      static_cast<size_t>(config.intermediate), shape_.intermediate_stride);
    layers_.push_back(layer);
  }
  final_norm_ = packer.vector("model.norm.weight", hidden);
  output_ = packer.matrix("lm_head.weight", shape_.vocabulary_panels, hidden, shape_.hidden_stride);
  if (!config.tied_embeddings) {
    embedding_ = packer.rows("model.embed_tokens.weight", static_cast<size_t>(config.vocabulary));
  }
}

template <typename T>
void PackedWeights<T>::embedding(size_t token, T* x) const {
  const size_t stride = shape_.hidden_stride;
  if (embedding_ != nullptr) {
    std::copy_n(embedding_ + token * stride, stride, x);
    return;
  }
  const T* panel = output_ + token / kPanel * kPanel * stride;
  for (size_t k = 0; k < stride; ++k) x[k] = panel[packed_index<T>(k, token % kPanel)];
}

template <typename T>
void PackedWeights<T>::gather(std::span<const int32_t> ids, ThreadPool& pool, T* panels) const {
  const size_t stride = shape_.hidden_stride;
  const size_t count = round_up(ids.size(), kPanel) / kPanel;
  pool.parallel_for(count, 1, [&](size_t begin, size_t end) {
    for (size_t p = begin; p < end; ++p) {
      T* panel = panels + p * kPanel * stride;
      for (size_t lane = 0; lane < kPanel; ++lane) {
        const size_t column = p * kPanel + lane;
        const size_t id = column < ids.size() ? static_cast<size_t>(ids[column]) : 0;
        const T* source = output_ + id / kPanel * kPanel * stride;
        for (size_t k = 0; k < stride; ++k) {
          panel[packed_index<T>(k, lane)] =
              column < ids.size() ? source[packed_index<T>(k, id % kPanel)] : T(0);
        }
      }
    }
  });
}

template class PackedWeights<BFloat16>;
template class PackedWeights<float>;

}  // namespace molgen3d::cpu
