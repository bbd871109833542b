// How keys and values are laid out in a page, and a page in shared memory.
#pragma once

#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/step_types.h"

namespace molgen3d::cuda::attention {

constexpr int kPage = 16;  ///< tokens
constexpr int kPagesPerChunk = kChunk / kPage;
template <int kDim>
constexpr int kPageBytes = 2 * kPage* kDim * 2;  ///< of one key-value head: keys, then values
template <int kDim>
constexpr int kStageBytes = kPagesPerChunk* kPageBytes<kDim>;
template <int kDim>
constexpr int kValues = kPage* kDim * 2;  ///< bytes from a key to its value

/// Byte of a row of kDim elements at which 16-byte unit `unit` is kept: eight rows, eight groups of
/// banks. Pages are stored so, that a copy of a page is ready for the matrix units.
template <int kDim>
__device__ __forceinline__ int unit_offset(int row, int unit) {
  constexpr int kMask = kDim >= 64 ? 7 : 3;
  return (unit ^ ((kDim >= 64 ? row : row / 2) & kMask)) * 16;
}

/// Byte of a key of a chunk.
template <int kDim>
__device__ __forceinline__ int key_offset(int key) {
  return key / kPage * kPageBytes<kDim> + key % kPage * kDim * 2;
}

}  // namespace molgen3d::cuda::attention
