#include "engine/cpu/cpu_operations.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/thread_pool.h"
#include "engine/cpu/attention_chunks.h"
#include "engine/cpu/extent.h"
#include "engine/cpu/key_value_block.h"
#include "engine/cpu/packed_weights.h"
#include "engine/cpu/rotary_tables.h"
#include "engine/cpu/units_of_work.h"
#include "engine/cpu/widen.h"

namespace molgen3d {
namespace cpu {
namespace {

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
  void reserve_rows(size_t rows);
  /// Units of a product with `panels` panels: enough for all threads, few panels otherwise.
  size_t unit_panels(size_t panels) const;
  void normalize(const T* x, size_t rows, const T* weight, T* y);
  template <typename Finish>
  void multiply(const T* x, size_t x_stride, size_t rows, const T* weights, size_t panels,
                size_t per_unit, Finish&& finish);
  /// x_ += x times a weight matrix whose columns are the residual stream.
  void add_product(const T* x, size_t x_stride, const T* weights);
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
  RotaryTables rotary_;
  UnitsOfWork<T> work_;
  const Kernels<T>& kernels_;
  HugeBuffer cache_memory_, activations_, gathered_memory_;
  T* cache_;
  T* gathered_;

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
      rotary_(config_, extent_.positions, sizeof(T) == 2),
      work_(pool_, shape_, extent_),
      kernels_(kernels<T>(options.portable)) {
  const CpuMemory memory = cpu_memory(config_, options);
  cache_memory_ = HugeBuffer(memory.page * pages_, "the key-value cache");
  cache_ = reinterpret_cast<T*>(cache_memory_.data());
  if (options.poison_cache) std::memset(cache_, 0xFF, cache_memory_.size());  // NaN in both types
  gathered_memory_ = HugeBuffer(memory.gathered, "gathered output rows");
  gathered_ = reinterpret_cast<T*>(gathered_memory_.data());

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
  attention_chunks(pass, chunks_);
  for (const PassSequence& sequence : pass.sequences) {
    if (sequence.first_position + sequence.rows > extent_.positions) {
      throw Error::format("cpu: position {} is beyond the {} that were planned for",
                          sequence.first_position + sequence.rows - 1, extent_.positions);
    }
    for (uint32_t i = 0; i < sequence.rows; ++i) {
      const uint32_t position = sequence.first_position + i;
      rows_[sequence.first_row + i] = {sequence.pages[position / kPageTokens] * extent_.page,
                                       position % kPageTokens, position};
    }
  }
  for (size_t r = 0; r < pass.tokens.size(); ++r) {
    weights_.embedding(static_cast<size_t>(pass.tokens[r]), x_ + r * shape_.hidden_stride);
  }
}

template <typename T>
void CpuOperations<T>::normalize(const T* x, size_t rows, const T* weight, T* y) {
  constexpr size_t kRows = 8;  // fewer are not worth waking the others
  work_.for_each((rows + kRows - 1) / kRows, [&](size_t unit, const Scratch<T>&) {
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
  work_.for_each((panels + per_unit - 1) / per_unit, [&](size_t unit, const Scratch<T>& scratch) {
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

template <typename T>
void CpuOperations<T>::store_head(size_t layer, size_t head, size_t r, float* v) {
  const size_t dim = shape_.dim;
  const auto& weights = weights_.layer(layer);
  const Row& row = rows_[r];
  const float* cosines = rotary_.cosines(row.position);
  const float* sines = rotary_.sines(row.position);
  if (head < shape_.heads) {
    kernels_.finish_head(v, weights.query_norm, config_.rms_norm_eps, cosines, sines, dim,
                         query_ + r * shape_.attention_stride + head * dim);
    return;
  }
  // In place: the rounded values take no more room than the sums, and are written behind the reads.
  T* rounded = reinterpret_cast<T*>(v);
  T* block = cache(layer, (head - shape_.heads) % shape_.kv_heads) + row.page;
  if (head < shape_.heads + shape_.kv_heads) {
    kernels_.finish_head(v, weights.key_norm, config_.rms_norm_eps, cosines, sines, dim, rounded);
    put_key(block, dim, row.offset, rounded);
  } else {
    kernels_.round(v, dim, rounded);
    put_value(block, dim, row.offset, rounded);
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
  attention_chunks(pass_, kept_, chunks_);
  for (uint32_t at = 0; at < kept_.size(); ++at) {
    const uint32_t row = kept_[at];
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
  work_.for_each(chunks_.size() * shape_.kv_heads, [&](size_t unit, const Scratch<T>& scratch) {
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
void CpuOperations<T>::add_product(const T* x, size_t x_stride, const T* weights) {
  const size_t per_unit = unit_panels(shape_.hidden_panels);
  multiply(x, x_stride, active_, weights, shape_.hidden_panels, per_unit,
           [&](size_t unit, size_t first, size_t count, const float* sums, size_t stride) {
             for (size_t r = 0; r < count; ++r) {
               kernels_.add(sums + r * stride, stride,
                            x_ + (first + r) * shape_.hidden_stride + unit * per_unit * kPanel);
             }
           });
}

template <typename T>
void CpuOperations<T>::add_attention_output(int l) {
  add_product(attention_, shape_.attention_stride,
              weights_.layer(static_cast<size_t>(l)).attention_output);
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
  add_product(feed_, shape_.intermediate_stride, weights_.layer(static_cast<size_t>(l)).down);
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
