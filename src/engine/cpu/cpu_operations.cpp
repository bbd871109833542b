#include "engine/cpu/cpu_operations.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/thread_pool.h"
#include "engine/cpu/packed_weights.h"
#include "engine/rotary.h"

namespace molgen3d {
namespace cpu {
namespace {

static_assert(kBlock == kPageTokens);

/// Rows that one product handles before its results are finished and stored: their sums stay in
/// the first two cache levels.
constexpr size_t kRowBlock = 64;
/// Most panels of a unit of work (but for heads wider than that).
constexpr size_t kUnitPanels = 4;
/// Output rows gathered at once; more are taken in turns.
constexpr size_t kGatherRows = 4096;
/// Rows of a sequence that share a unit of attention work.
constexpr uint32_t kAttentionRows = 16;

/// Sizes of everything but weights, in elements.
struct Extent {
  Extent(const Shape& shape, const ModelConfig& config, const CpuOptions& options)
      : threads(options.threads != 0 ? options.threads
                                     : std::max<size_t>(std::thread::hardware_concurrency(), 1)),
        positions(std::min<size_t>(static_cast<size_t>(config.max_positions),
                                   options.pages * kPageTokens)),
        page(2 * kBlock * shape.kv_heads * shape.dim),
        gather(std::min(round_up(static_cast<size_t>(config.vocabulary), kPanel), kGatherRows) *
               shape.hidden_stride),
        score_stride(round_up(positions, kPanel)),
        tile_stride(std::max(kUnitPanels, shape.head_panels) * kPanel) {}
  size_t threads, positions;
  size_t page;    ///< keys and values of one page and layer
  size_t gather;  ///< gathered output rows
  size_t score_stride, tile_stride;
  size_t row(const Shape& s) const {
    return 2 * s.hidden_stride + 2 * s.attention_stride + s.intermediate_stride;
  }
};

void check_shape(const ModelConfig& config) {
  if (config.head_dim % 16 != 0) {
    throw Error::format("cpu: head_dim {} is not a multiple of 16", config.head_dim);
  }
}

template <typename T>
const Kernels<T>& kernels(bool portable);
template <>
const Kernels<BFloat16>& kernels<BFloat16>(bool portable) {
  return bfloat16_kernels(portable);
}
template <>
const Kernels<float>& kernels<float>(bool /*portable*/) {
  return float_kernels();
}

float widen(BFloat16 v) {
  const uint32_t bits = static_cast<uint32_t>(v) << 16;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
float widen(float v) {
  return v;
}

template <typename T>
class CpuOperations : public Operations {
 public:
  CpuOperations(const Checkpoint& checkpoint, const CpuOptions& options);

  const ModelConfig& config() const override { return config_; }
  void embed(const Pass& pass) override;
  void project_and_append(int layer) override;
  void keep_rows(std::span<const uint32_t> rows) override;
  void attend(int layer) override;
  void add_attention_output(int layer) override;
  void gated_feed_forward(int layer) override;
  void add_feed_forward(int layer) override;
  void output(std::span<const uint32_t> rows, std::span<const TokenId> ids,
              std::span<float> logits) override;
  bool read_residual(std::span<float> x) override;

 private:
  struct Row {
    size_t page;      ///< elements from a head's block 0 to its block of this token's page
    uint32_t offset;  ///< token within the page
    uint32_t position;
  };
  /// Rows of one sequence that attend in one unit of work: [first, first + rows) of the sequence,
  /// whose activations stand at `at`.
  struct AttentionChunk {
    uint32_t sequence, first, rows, at;
  };
  struct Scratch {
    float* tile;    ///< [kRowBlock, tile_stride]
    float* scores;  ///< [group, score_stride]
    T* weights;     ///< [group, score_stride]
    float* sums;    ///< [group]
  };

  void reserve_rows(size_t rows);
  template <typename F>
  void for_each_unit(size_t count, F&& f);
  /// Units of a product with `panels` panels: enough for all threads, few panels otherwise.
  size_t unit_panels(size_t panels) const;
  void normalize(const T* x, size_t rows, const T* weight, T* y);
  template <typename Finish>
  void multiply(const T* x, size_t x_stride, size_t rows, const T* weights, size_t panels,
                size_t per_unit, Finish&& finish);
  void append(size_t layer, size_t kv_head, const Row& row, const T* key, const T* value);
  void store_head(size_t layer, size_t head, size_t row, float* v);
  void product_into(const T* weights, size_t columns, std::span<float> logits, size_t rows,
                    size_t stride);
  T* cache(size_t layer, size_t kv_head) {
    return cache_ + (layer * pages_ * shape_.kv_heads + kv_head) * 2 * kBlock * shape_.dim;
  }

  ModelConfig config_;
  Shape shape_;
  Extent extent_;
  size_t pages_;
  ThreadPool pool_;
  PackedWeights<T> weights_;
  const Kernels<T>& kernels_;
  HugeBuffer cache_memory_, activations_, gathered_memory_, thread_memory_, table_memory_;
  T* cache_;
  T* gathered_;
  float *cosines_, *sines_;  ///< [positions, dim / 2]
  std::vector<Scratch> scratch_;

  Pass pass_{};
  size_t row_capacity_ = 0;
  T *x_ = nullptr, *normed_ = nullptr, *query_ = nullptr, *attention_ = nullptr, *feed_ = nullptr;
  std::vector<Row> rows_;
  size_t active_ = 0;           ///< rows that are still computed
  std::vector<uint32_t> kept_;  ///< which, if not all; their activations stand closed up
  std::vector<AttentionChunk> chunks_;
  std::vector<TokenId> gathered_ids_;
};

template <typename T>
CpuOperations<T>::CpuOperations(const Checkpoint& checkpoint, const CpuOptions& options)
    : config_(checkpoint.config()),
      shape_(config_),
      extent_(shape_, config_, options),
      pages_(options.pages),
      pool_(extent_.threads),
      weights_(checkpoint, pool_),
      kernels_(kernels<T>(options.portable)) {
  const CpuMemory memory = cpu_memory(config_, options);
  cache_memory_ = HugeBuffer(memory.page * pages_, "the key-value cache");
  cache_ = reinterpret_cast<T*>(cache_memory_.data());
  if (options.poison_cache) std::memset(cache_, 0xFF, cache_memory_.size());  // NaN in both types
  gathered_memory_ = HugeBuffer(memory.gathered, "gathered output rows");
  gathered_ = reinterpret_cast<T*>(gathered_memory_.data());

  table_memory_ = HugeBuffer(memory.tables, "rotary tables");
  cosines_ = reinterpret_cast<float*>(table_memory_.data());
  const size_t half = shape_.dim / 2;
  sines_ = cosines_ + extent_.positions * half;
  const std::vector<double> frequencies = rotary_inverse_frequencies(config_);
  for (size_t p = 0; p < extent_.positions; ++p) {
    for (size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(p) * frequencies[i];
      cosines_[p * half + i] = static_cast<float>(std::cos(angle));
      sines_[p * half + i] = static_cast<float>(std::sin(angle));
    }
  }
  if (sizeof(T) == 2) {  // Hugging Face casts both to the compute type
    for (float* table : {cosines_, sines_}) {
      for (size_t i = 0; i < extent_.positions * half; i += kBlock) {
        BFloat16 low[kBlock];
        const size_t n = std::min(kBlock, extent_.positions * half - i);
        float in[kBlock] = {};
        std::copy_n(table + i, n, in);
        bfloat16_kernels().round(in, kBlock, low);
        for (size_t j = 0; j < n; ++j) table[i + j] = widen(low[j]);
      }
    }
  }

  thread_memory_ = HugeBuffer(memory.threads, "scratch");
  std::byte* next = thread_memory_.data();
  for (size_t t = 0; t < extent_.threads; ++t) {
    Scratch s;
    s.tile = reinterpret_cast<float*>(next);
    s.scores = s.tile + kRowBlock * extent_.tile_stride;
    s.sums = s.scores + shape_.group * extent_.score_stride;
    s.weights = reinterpret_cast<T*>(s.sums + round_up(shape_.group, kPanel));
    scratch_.push_back(s);
    next += memory.threads / extent_.threads;
  }
  reserve_rows(options.rows);
}

template <typename T>
void CpuOperations<T>::reserve_rows(size_t rows) {
  if (rows <= row_capacity_) return;
  activations_ = HugeBuffer(rows * extent_.row(shape_) * sizeof(T), "activations");
  T* next = reinterpret_cast<T*>(activations_.data());
  x_ = next;
  normed_ = x_ + rows * shape_.hidden_stride;
  query_ = normed_ + rows * shape_.hidden_stride;
  attention_ = query_ + rows * shape_.attention_stride;
  feed_ = attention_ + rows * shape_.attention_stride;
  rows_.reserve(rows);
  chunks_.reserve(rows);
  row_capacity_ = rows;
}

/// Calls f(unit, scratch) for each unit; idle threads take the next one.
template <typename T>
template <typename F>
void CpuOperations<T>::for_each_unit(size_t count, F&& f) {
  std::atomic<size_t> next{0};
  const auto body = [&](size_t slot, size_t) {
    for (size_t unit; (unit = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
      f(unit, scratch_[slot]);
    }
  };
  pool_.parallel_for(std::min(count, extent_.threads), 1, std::cref(body));
}

template <typename T>
size_t CpuOperations<T>::unit_panels(size_t panels) const {
  size_t unit = kUnitPanels;
  while (unit > 1 && panels < 3 * unit * extent_.threads) unit /= 2;
  return unit;
}

template <typename T>
void CpuOperations<T>::embed(const Pass& pass) {
  pass_ = pass;
  reserve_rows(pass.tokens.size());
  rows_.resize(pass.tokens.size());
  active_ = rows_.size();
  kept_.clear();
  chunks_.clear();
  for (uint32_t s = 0; s < pass.sequences.size(); ++s) {
    const PassSequence& sequence = pass.sequences[s];
    if (sequence.first_position + sequence.rows > extent_.positions) {
      throw Error::format("cpu: position {} is beyond the {} that were planned for",
                          sequence.first_position + sequence.rows - 1, extent_.positions);
    }
    for (uint32_t i = 0; i < sequence.rows; ++i) {
      const uint32_t position = sequence.first_position + i;
      rows_[sequence.first_row + i] = {sequence.pages[position / kPageTokens] * extent_.page,
                                       position % kPageTokens, position};
    }
    for (uint32_t first = 0; first < sequence.rows; first += kAttentionRows) {
      chunks_.push_back(
          {s, first, std::min(kAttentionRows, sequence.rows - first), sequence.first_row + first});
    }
  }
  for (size_t r = 0; r < pass.tokens.size(); ++r) {
    weights_.embedding(static_cast<size_t>(pass.tokens[r]), x_ + r * shape_.hidden_stride);
  }
}

template <typename T>
void CpuOperations<T>::normalize(const T* x, size_t rows, const T* weight, T* y) {
  constexpr size_t kRows = 8;  // fewer are not worth waking the others
  for_each_unit((rows + kRows - 1) / kRows, [&](size_t unit, const Scratch&) {
    for (size_t r = unit * kRows; r < std::min(rows, (unit + 1) * kRows); ++r) {
      kernels_.rms_norm(x + r * shape_.hidden_stride, weight, config_.rms_norm_eps, shape_.hidden,
                        shape_.hidden_stride, y + r * shape_.hidden_stride);
    }
  });
}

/// Cuts x times weights into units of `per_unit` panels; finish(unit, first_row, rows, sums,
/// stride) stores a block of results. The inner length is x_stride: rows and panels are padded with
/// zeros.
template <typename T>
template <typename Finish>
void CpuOperations<T>::multiply(const T* x, size_t x_stride, size_t rows, const T* weights,
                                size_t panels, size_t per_unit, Finish&& finish) {
  for_each_unit((panels + per_unit - 1) / per_unit, [&](size_t unit, const Scratch& scratch) {
    const size_t first_panel = unit * per_unit;
    const size_t count = std::min(per_unit, panels - first_panel);
    for (size_t first = 0; first < rows; first += kRowBlock) {
      const size_t block = std::min(kRowBlock, rows - first);
      kernels_.product({x + first * x_stride, x_stride, block, x_stride,
                        weights + first_panel * kPanel * x_stride, count, scratch.tile,
                        count * kPanel});
      finish(unit, first, block, scratch.tile, count * kPanel);
    }
  });
}

/// A token's key and value enter their page's blocks (layouts in kernels.h).
template <typename T>
void CpuOperations<T>::append(size_t layer, size_t kv_head, const Row& row, const T* key,
                              const T* value) {
  T* block = cache(layer, kv_head) + row.page;
  const size_t dim = shape_.dim, t = row.offset;
  if (key != nullptr) {
    for (size_t i = 0; i < dim; i += 2) {
      if constexpr (sizeof(T) == 2) {
        std::memcpy(block + (i / 2 * kBlock + t) * 2, key + i, 2 * sizeof(T));
      } else {
        block[i * kBlock + t] = key[i];
        block[(i + 1) * kBlock + t] = key[i + 1];
      }
    }
  }
  if (value != nullptr) {
    T* values = block + kBlock * dim;
    // Values are read in pairs of tokens: the second of a pair must be finite before it exists.
    const bool pad = t % 2 == 0;
    for (size_t i = 0; i < dim; ++i) {
      if constexpr (sizeof(T) == 2) {
        values[(t / 2 * dim + i) * 2 + t % 2] = value[i];
        if (pad) values[(t / 2 * dim + i) * 2 + 1] = 0;
      } else {
        values[t * dim + i] = value[i];
        if (pad) values[(t + 1) * dim + i] = 0;
      }
    }
  }
}

template <typename T>
void CpuOperations<T>::store_head(size_t layer, size_t head, size_t r, float* v) {
  const size_t dim = shape_.dim;
  const auto& weights = weights_.layer(layer);
  const Row& row = rows_[r];
  const float* cosines = cosines_ + row.position * (dim / 2);
  const float* sines = sines_ + row.position * (dim / 2);
  if (head < shape_.heads) {
    kernels_.finish_head(v, weights.query_norm, config_.rms_norm_eps, cosines, sines, dim,
                         query_ + r * shape_.attention_stride + head * dim);
    return;
  }
  // In place: the rounded values take no more room than the sums, and are written behind the reads.
  T* rounded = reinterpret_cast<T*>(v);
  const size_t kv_head = (head - shape_.heads) % shape_.kv_heads;
  if (head < shape_.heads + shape_.kv_heads) {
    kernels_.finish_head(v, weights.key_norm, config_.rms_norm_eps, cosines, sines, dim, rounded);
    append(layer, kv_head, row, rounded, nullptr);
  } else {
    kernels_.round(v, dim, rounded);
    append(layer, kv_head, row, nullptr, rounded);
  }
}

template <typename T>
void CpuOperations<T>::project_and_append(int l) {
  const size_t layer = static_cast<size_t>(l), rows = rows_.size();
  normalize(x_, rows, weights_.layer(layer).input_norm, normed_);
  multiply(normed_, shape_.hidden_stride, rows, weights_.layer(layer).heads,
           (shape_.heads + 2 * shape_.kv_heads) * shape_.head_panels, shape_.head_panels,
           [&](size_t head, size_t first, size_t count, float* sums, size_t stride) {
             for (size_t r = 0; r < count; ++r)
               store_head(layer, head, first + r, sums + r * stride);
           });
}

template <typename T>
void CpuOperations<T>::keep_rows(std::span<const uint32_t> rows) {
  kept_.assign(rows.begin(), rows.end());
  active_ = kept_.size();
  chunks_.clear();
  uint32_t s = 0;
  for (uint32_t at = 0; at < kept_.size(); ++at) {
    const uint32_t row = kept_[at];
    while (row >= pass_.sequences[s].first_row + pass_.sequences[s].rows) ++s;
    const uint32_t first = row - pass_.sequences[s].first_row;
    AttentionChunk* last = chunks_.empty() ? nullptr : &chunks_.back();
    if (last != nullptr && last->sequence == s && last->first + last->rows == first &&
        last->rows < kAttentionRows) {
      ++last->rows;
    } else {
      chunks_.push_back({s, first, 1, at});
    }
    if (at == row) continue;
    // Downwards only, in ascending order: nothing is overwritten before it has moved.
    std::copy_n(x_ + row * shape_.hidden_stride, shape_.hidden_stride,
                x_ + at * shape_.hidden_stride);
    std::copy_n(query_ + row * shape_.attention_stride, shape_.attention_stride,
                query_ + at * shape_.attention_stride);
  }
}

template <typename T>
void CpuOperations<T>::attend(int l) {
  const size_t layer = static_cast<size_t>(l), group = shape_.group, dim = shape_.dim;
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
  for_each_unit(chunks_.size() * shape_.kv_heads, [&](size_t unit, const Scratch& scratch) {
    const AttentionChunk& chunk = chunks_[unit / shape_.kv_heads];
    const size_t kv_head = unit % shape_.kv_heads;
    const PassSequence& sequence = pass_.sequences[chunk.sequence];
    for (uint32_t i = chunk.first; i < chunk.first + chunk.rows; ++i) {
      const size_t at =
          (chunk.at + i - chunk.first) * shape_.attention_stride + kv_head * group * dim;
      Attention<T> a{cache(layer, kv_head),
                     extent_.page,
                     sequence.pages.data(),
                     sequence.first_position + i + 1,
                     group,
                     dim,
                     query_ + at,
                     scratch.scores,
                     scratch.weights,
                     extent_.score_stride,
                     scratch.sums,
                     attention_ + at};
      kernels_.scores(a);
      for (size_t g = 0; g < group; ++g) {
        scratch.sums[g] = 1.0F / kernels_.softmax(scratch.scores + g * a.stride, a.length,
                                                  round_up(a.length, kBlock), scale,
                                                  scratch.weights + g * a.stride);
      }
      kernels_.values(a);
    }
  });
}

template <typename T>
void CpuOperations<T>::add_attention_output(int l) {
  const size_t per_unit = unit_panels(shape_.hidden_panels);
  multiply(attention_, shape_.attention_stride, active_,
           weights_.layer(static_cast<size_t>(l)).attention_output, shape_.hidden_panels, per_unit,
           [&](size_t unit, size_t first, size_t count, const float* sums, size_t stride) {
             for (size_t r = 0; r < count; ++r) {
               kernels_.add(sums + r * stride, stride,
                            x_ + (first + r) * shape_.hidden_stride + unit * per_unit * kPanel);
             }
           });
}

template <typename T>
void CpuOperations<T>::gated_feed_forward(int l) {
  const auto& weights = weights_.layer(static_cast<size_t>(l));
  normalize(x_, active_, weights.feed_forward_norm, normed_);
  const size_t per_unit = std::max<size_t>(unit_panels(2 * shape_.intermediate_panels), 2);
  multiply(
      normed_, shape_.hidden_stride, active_, weights.gate_up, 2 * shape_.intermediate_panels,
      per_unit, [&](size_t unit, size_t first, size_t count, const float* sums, size_t stride) {
        for (size_t r = 0; r < count; ++r) {
          T* feed = feed_ + (first + r) * shape_.intermediate_stride + unit * per_unit / 2 * kPanel;
          for (size_t c = 0; c < stride; c += 2 * kPanel) {
            const float* gate = sums + r * stride + c;
            kernels_.gate(gate, gate + kPanel, feed + c / 2);
          }
        }
      });
}

template <typename T>
void CpuOperations<T>::add_feed_forward(int l) {
  const size_t per_unit = unit_panels(shape_.hidden_panels);
  multiply(feed_, shape_.intermediate_stride, active_, weights_.layer(static_cast<size_t>(l)).down,
           shape_.hidden_panels, per_unit,
           [&](size_t unit, size_t first, size_t count, const float* sums, size_t stride) {
             for (size_t r = 0; r < count; ++r) {
               kernels_.add(sums + r * stride, stride,
                            x_ + (first + r) * shape_.hidden_stride + unit * per_unit * kPanel);
             }
           });
}

/// logits [rows, stride], `columns` of them per row, from the rows of normed_.
template <typename T>
void CpuOperations<T>::product_into(const T* weights, size_t columns, std::span<float> logits,
                                    size_t rows, size_t stride) {
  const size_t panels = round_up(columns, kPanel) / kPanel, per_unit = unit_panels(panels);
  multiply(normed_, shape_.hidden_stride, rows, weights, panels, per_unit,
           [&](size_t unit, size_t first, size_t count, const float* sums, size_t width) {
             const size_t column = unit * per_unit * kPanel;
             for (size_t r = 0; r < count; ++r) {
               std::copy_n(sums + r * width, std::min(width, columns - column),
                           logits.data() + (first + r) * stride + column);
             }
           });
}

template <typename T>
void CpuOperations<T>::output(std::span<const uint32_t> rows, std::span<const TokenId> ids,
                              std::span<float> logits) {
  for (size_t r = 0; r < rows.size(); ++r) {
    const size_t at =
        kept_.empty() ? rows[r]
                      : static_cast<size_t>(std::lower_bound(kept_.begin(), kept_.end(), rows[r]) -
                                            kept_.begin());
    kernels_.rms_norm(x_ + at * shape_.hidden_stride, weights_.final_norm(), config_.rms_norm_eps,
                      shape_.hidden, shape_.hidden_stride, normed_ + r * shape_.hidden_stride);
  }
  if (ids.empty()) {
    const size_t vocabulary = static_cast<size_t>(config_.vocabulary);
    product_into(weights_.output(), vocabulary, logits, rows.size(), vocabulary);
    return;
  }
  const size_t most = extent_.gather / shape_.hidden_stride;
  for (size_t first = 0; first < ids.size(); first += most) {
    const std::span<const TokenId> part = ids.subspan(first, std::min(most, ids.size() - first));
    if (!std::ranges::equal(part, gathered_ids_)) {
      weights_.gather(part, pool_, gathered_);
      gathered_ids_.assign(part.begin(), part.end());
    }
    product_into(gathered_, part.size(), logits.subspan(first), rows.size(), ids.size());
  }
}

template <typename T>
bool CpuOperations<T>::read_residual(std::span<float> x) {
  for (size_t r = 0; r < active_; ++r) {
    for (size_t i = 0; i < shape_.hidden; ++i) {
      x[r * shape_.hidden + i] = widen(x_[r * shape_.hidden_stride + i]);
    }
  }
  return true;
}

}  // namespace
}  // namespace cpu

CpuMemory cpu_memory(const ModelConfig& config, const CpuOptions& options) {
  const cpu::Shape shape(config);
  const cpu::Extent extent(shape, config, options);
  const size_t element = size_of(options.compute);
  CpuMemory memory;
  memory.weights = element * shape.weight_elements(config.tied_embeddings,
                                                   static_cast<size_t>(config.vocabulary));
  memory.page = element * extent.page * shape.layers;
  memory.activations = element * options.rows * extent.row(shape);
  memory.gathered = element * extent.gather;
  memory.tables = sizeof(float) * extent.positions * shape.dim;
  memory.threads = extent.threads * (sizeof(float) * (cpu::kRowBlock * extent.tile_stride +
                                                      cpu::round_up(shape.group, cpu::kPanel)) +
                                     (sizeof(float) + element) * shape.group * extent.score_stride);
  return memory;
}

std::unique_ptr<Operations> make_cpu_operations(const Checkpoint& checkpoint,
                                                const CpuOptions& options) {
  cpu::check_shape(checkpoint.config());
  if (options.compute == DataType::kFloat32) {
    return std::make_unique<cpu::CpuOperations<float>>(checkpoint, options);
  }
  return std::make_unique<cpu::CpuOperations<cpu::BFloat16>>(checkpoint, options);
}

std::string cpu_kernels_description(const CpuOptions& options) {
  std::string text = cpu::kernel_target();
  if (options.compute != DataType::kFloat32 && !options.portable && cpu::have_bfloat16_dot()) {
    text += ", bf16 dot product";
  }
  return text;
}

}  // namespace molgen3d
