// The step operations one by one, driven by the host: for comparison with the reference. Decoding
// itself (decode_loop.cpp) launches the same kernels without the host.
#pragma once

#include <memory>

#include "checkpoint/checkpoint.h"
#include "engine/operations.h"

namespace molgen3d {

struct CudaOperationsOptions {
  bool fp8 = false;  ///< keys and values in e4m3
  /// In passes of few rows a sequence, attend() also appends; without effect before Hopper.
  bool fused_append = false;
};

/// `pages` key-value pages; unwritten ones hold NaN. Passes of at most 1,024 rows, 64 sequences.
std::unique_ptr<Operations> make_cuda_operations(
    const std::shared_ptr<const Checkpoint>& checkpoint, size_t pages,
    const CudaOperationsOptions& options = {});

}  // namespace molgen3d
