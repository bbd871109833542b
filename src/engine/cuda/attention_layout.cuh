// How keys and values are laid out in a page, and a page in shared memory.
#pragma once

#include <cuda_fp8.h>

#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"
#include "engine/cuda/step_types.h"

namespace molgen3d::cuda::attention {

constexpr int kPage = 16;  ///< tokens
constexpr int kPagesPerChunk = kChunk / kPage;

/// A page of one key-value head: 16 keys, 16 values and, in fp8, a scale for each of them. Fp8 rows
/// are bf16 rows over a power of two that brings their largest element into the upper half of what
/// e4m3 can hold.
template <int kDimension, bool kIsFp8>
struct Layout {
  static constexpr int kDim = kDimension;
  static constexpr bool kFp8 = kIsFp8;
  static constexpr int kRowBytes = kDim * (kFp8 ? 1 : 2);
  static constexpr int kUnits = kRowBytes / 16;
  static constexpr int kValues = kPage * kRowBytes;      ///< bytes from a key to its value
  static constexpr int kScales = 2 * kPage * kRowBytes;  ///< fp8: float scales of keys, of values
  static constexpr int kPageBytes = kScales + (kFp8 ? 2 * kPage * 4 : 0);

  /// Byte of the scale of a page's key; values' scales follow after the 16 of the keys.
  __device__ __forceinline__ static int scale_offset(int key) { return kScales + key * 4; }
};

/// Byte of a row of kRowBytes at which 16-byte unit `unit` is kept: eight rows, eight groups of
/// banks. Pages are stored so, that a copy of a page is ready for the matrix units.
template <int kRowBytes>
__device__ __forceinline__ int unit_offset(int row, int unit) {
  constexpr int kMask = kRowBytes >= 128 ? 7 : 3;
  return (unit ^ ((kRowBytes >= 128 ? row : row / 2) & kMask)) * 16;
}

/// Calls use(Layout) with the layout of a cache. Fp8 rows of 32 elements are stored as 64.
template <typename Use>
void with_layout(int head_dim, bool fp8, Use use) {
  const int dim = padded_head_dim(head_dim, fp8);
  if (fp8) return dim == 64 ? use(Layout<64, true>{}) : use(Layout<128, true>{});
  if (dim == 32) return use(Layout<32, false>{});
  return dim == 64 ? use(Layout<64, false>{}) : use(Layout<128, false>{});
}

}  // namespace molgen3d::cuda::attention
