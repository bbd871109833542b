// The parts of a model's device memory, and how large they are.
#pragma once

#include "engine/cuda/cuda_model.h"

namespace molgen3d::cuda {

/// Dimensions as the layouts pad them.
struct Padding {
  explicit Padding(const ModelConfig& config)
      : hidden(padded(config.hidden, 64)),
        attention(padded(config.heads * config.head_dim, 64)),
        inner(padded(config.intermediate, 64)),
        projected((config.heads + 2 * config.kv_heads) * config.head_dim) {}
  int hidden, attention, inner;
  int projected;  ///< not padded
};

/// Elements of packed weights.
inline size_t matrix(int features, int depth) {
  return static_cast<size_t>(padded(features, 64)) * static_cast<size_t>(depth);
}

size_t pages_per_slot(const Extent& extent);

void carve_weights(Carver& carver, const ModelConfig& config, const Extent& extent,
                   ModelWeights& weights);
void carve_scratch(Carver& carver, const ModelConfig& config, const Extent& extent, Scratch& s);

}  // namespace molgen3d::cuda
