// The fused step operations on the processor: weights as panels, bf16 or fp32, fp32 sums, threads
// that share columns or sequences. A row's result does not depend on the other rows of a pass, on
// how a sequence is cut into passes, or on the number of threads, to the last bit.
//
// Numerics in bf16: values are rounded where Hugging Face stores them (norms, heads before and
// after rotation, attention weights, silu, products, residual stream); sums are fp32.
#pragma once

#include <memory>

#include "checkpoint/checkpoint.h"
#include "engine/backend.h"
#include "engine/operations.h"

namespace molgen3d {

struct CpuOptions {
  DataType compute = DataType::kBFloat16;  ///< or kFloat32
  size_t pages = 0;                        ///< of kPageTokens tokens
  size_t threads = 0;                      ///< 0: all cores
  uint32_t rows = 256;        ///< of a pass, allocated at once; a longer pass allocates more
  bool portable = false;      ///< bf16 without the processor's bf16 dot product
  bool poison_cache = false;  ///< fill the cache with NaN first (tests)
};

/// Bytes that CpuOperations allocates.
struct CpuMemory {
  size_t weights = 0;
  size_t page = 0;         ///< one page, all layers, keys and values
  size_t activations = 0;  ///< of `rows` rows
  size_t gathered = 0;     ///< output rows of the last set of ids
  size_t tables = 0;       ///< cosines and sines
  size_t threads = 0;      ///< scratch of all threads
  size_t scratch() const { return activations + gathered + tables + threads; }
};
CpuMemory cpu_memory(const ModelConfig& config, const CpuOptions& options);

/// Throws Error for shapes that the kernels do not cover (head_dim no multiple of 16) and when
/// memory is lacking.
std::unique_ptr<Operations> make_cpu_operations(const Checkpoint& checkpoint,
                                                const CpuOptions& options);

/// Instruction sets in use, e.g. "AVX3, bf16 dot product".
std::string cpu_kernels_description(const CpuOptions& options);

}  // namespace molgen3d
