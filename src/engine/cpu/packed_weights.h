// A model's weights in the order in which the kernels read them, each stored once in the compute
// type: matrices as panels of kPanel output columns (kernels.h), inner index padded with zeros to a
// multiple of kPanel. Query, key and value heads are one matrix whose heads begin on a panel; gate
// and up panels alternate, so that SwiGLU sees both halves of a column in one unit of work.
#pragma once

#include <vector>

#include "base/thread_pool.h"
#include "checkpoint/checkpoint.h"
#include "engine/cpu/huge_buffer.h"
#include "engine/cpu/kernels.h"

namespace molgen3d::cpu {

constexpr size_t round_up(size_t n, size_t unit) {
  return (n + unit - 1) / unit * unit;
}

/// Sizes that follow from a configuration, all in elements or panels.
struct Shape {
  explicit Shape(const ModelConfig& config);
  size_t layers, hidden, heads, kv_heads, group, dim;
  size_t hidden_stride;        ///< padded row of the residual stream
  size_t attention_stride;     ///< padded row of heads * dim values
  size_t intermediate_stride;  ///< padded row of the feed-forward network
  size_t head_panels;          ///< panels of one head
  size_t hidden_panels, intermediate_panels, vocabulary_panels;
  size_t layer_elements() const;
  /// Layers, final norm, output matrix, and the embedding when it is not the output matrix.
  size_t weight_elements(bool tied, size_t vocabulary) const;
};

template <typename T>
class PackedWeights {
 public:
  struct Layer {
    const T *input_norm, *feed_forward_norm;             ///< [hidden_stride]
    const T *query_norm = nullptr, *key_norm = nullptr;  ///< [dim]; null without q/k norms
    const T* heads;  ///< queries, keys, values: (heads + 2 kv_heads) * head_panels panels
    const T* attention_output;  ///< hidden_panels
    const T* gate_up;           ///< 2 * intermediate_panels: gate 0, up 0, gate 1, ...
    const T* down;              ///< hidden_panels
  };

  PackedWeights(const Checkpoint& checkpoint, ThreadPool& pool);

  const Layer& layer(size_t l) const { return layers_[l]; }
  const T* final_norm() const { return final_norm_; }
  const T* output() const { return output_; }  ///< vocabulary_panels
  /// One embedding row, padded to hidden_stride.
  void embedding(size_t token, T* x) const;
  /// Packs output rows `ids` as panels, the last one padded with zeros, into `panels`.
  void gather(std::span<const int32_t> ids, ThreadPool& pool, T* panels) const;

 private:
  Shape shape_;
  HugeBuffer memory_;
  std::vector<Layer> layers_;
  const T* final_norm_ = nullptr;
  const T* output_ = nullptr;
  const T* embedding_ = nullptr;  ///< row-major; null when tied
};

extern template class PackedWeights<BFloat16>;
extern template class PackedWeights<float>;

}  // namespace molgen3d::cpu
