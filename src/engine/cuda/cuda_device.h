// The choice of a device, and what it can do.
#pragma once

#include "engine/cuda/memory_plan.h"

namespace molgen3d::cuda {

/// Makes options.device the current one; throws Error when it is not there or too old.
void use_device(const BackendOptions& options);

/// Divides the free memory of the current device. Throws Error for what the backend cannot do and
/// when not even one sequence fits.
DevicePlan plan_current_device(const ModelConfig& config, const BackendOptions& options);

}  // namespace molgen3d::cuda
