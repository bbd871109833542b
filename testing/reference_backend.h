// A backend for small models whose every figure is double precision: what the others are compared
// with.
#pragma once

#include <memory>

#include "checkpoint/checkpoint.h"
#include "engine/backend.h"

namespace molgen3d {

/// Plain loops over ReferenceOperations, slow. `options.kv_tokens` 0 takes 1 GiB of cache at most.
/// Throws Error when not even one sequence fits.
std::unique_ptr<Backend> make_reference_backend(std::shared_ptr<const Checkpoint> checkpoint,
                                                const BackendOptions& options);

}  // namespace molgen3d
