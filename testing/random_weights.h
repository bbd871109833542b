// Weights for benchmarks and tests that need a shape and no trained model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/tensor_layout.h"

namespace molgen3d {

/// One allocation that holds all tensors, each beginning on a 64-byte boundary.
struct WeightArena {
  struct Free {
    void operator()(std::byte* memory) const;
  };
  std::unique_ptr<std::byte, Free> memory;
  std::vector<std::span<const std::byte>> tensors;  ///< parallel to the layout
};

/// Matrices: mean 0, standard deviation 0.02, the sum of four uniform 16-bit numbers (Irwin-Hall;
/// bell-shaped, never beyond 3.5 deviations). Norm weights: 1. Element i of tensor t depends on
/// (seed, t, i) alone, through integers and one exact product, so that every machine and any number
/// of threads makes the same bytes.
WeightArena random_weights(const std::vector<ExpectedTensor>& layout, uint64_t seed, DataType type);

/// A checkpoint of random_weights(), stored as `type`; the last id ends a sequence.
std::shared_ptr<const Checkpoint> random_checkpoint(const ModelConfig& config, uint64_t seed,
                                                    DataType type);

/// Round to nearest even; `value` must be finite.
uint16_t to_bfloat16(float value);
/// Round to nearest even; magnitudes of 65520 and above become infinity.
uint16_t to_float16(float value);

}  // namespace molgen3d
