// How the memory of a device is divided.
#pragma once

#include "engine/backend.h"
#include "engine/cuda/cuda_model.h"

namespace molgen3d::cuda {

/// Rows of the largest pass: prompts are computed in passes of this size.
int pass_rows(uint32_t slots);

/// Sequences from which on decoding is divided into micro-batches (docs/gpu.md).
inline constexpr size_t kLeastDivided = 192;
/// Micro-batches that so many running sequences are divided into.
int micro_batches(const BackendOptions& options, size_t sequences);

struct DevicePlan {
  Extent extent;
  MemoryPlan memory;
};
/// Fits slots and pages into `available` bytes: first the cache shrinks, then the number of slots.
/// Throws Error when even one sequence does not fit.
DevicePlan plan_device(const ModelConfig& config, const BackendOptions& options, size_t available);

}  // namespace molgen3d::cuda
