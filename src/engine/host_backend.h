// The backend for every Operations that the host drives pass by pass (reference, CPU): slots,
// ragged passes, constraint steps, sampling. See docs/engine.md for the way of a pass.
#pragma once

#include <memory>
#include <string>

#include "engine/backend.h"
#include "engine/operations.h"

namespace molgen3d {

/// The most rows (new tokens) of one pass: what an Operations must have activations for.
uint32_t host_pass_rows(const BackendOptions& options);

/// The most rows of one output() call: what an Operations must have output scratch for.
inline constexpr uint32_t kHostOutputRows = 32;

/// Bytes that the host backend itself allocates (logits of one output() call, sampling scratch).
size_t host_scratch_bytes(const ModelConfig& config, const BackendOptions& options);

/// `operations` must hold a cache of memory.pages pages of kPageTokens tokens.
std::unique_ptr<Backend> make_host_backend(std::unique_ptr<Operations> operations,
                                           const MemoryPlan& memory, const BackendOptions& options,
                                           std::string description);

}  // namespace molgen3d
