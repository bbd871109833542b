// The CUDA backend. Programs built without CUDA link a stub: ask cuda_available() first.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/backend.h"

namespace molgen3d {

/// True when a usable device is present; else false and, if `why_not` is given, one line of cause.
bool cuda_available(std::string* why_not);

/// What the code of each CUDA device depends on ("compute capability 9.0"); equal ones give equal
/// results. Empty without a driver.
std::vector<std::string> cuda_device_kinds();

/// Whether the present device can keep keys and values in fp8 (BackendOptions::fp8_cache).
bool cuda_fp8_available();

/// Plans without allocating; throws Error when even one sequence does not fit or there is no
/// device.
MemoryPlan plan_cuda_memory(const ModelConfig& config, const BackendOptions& options);

/// Throws Error without a usable device or when the plan does not fit.
std::unique_ptr<Backend> make_cuda_backend(std::shared_ptr<const Checkpoint> checkpoint,
                                           const BackendOptions& options);

}  // namespace molgen3d
