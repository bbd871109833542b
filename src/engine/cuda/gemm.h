// Matrix products of a pass: weights [features, k] x activations [rows, k], bf16 in, fp32 sums.
//
// Both operands are stored in 8 x 8 core matrices of 128 contiguous bytes, eight along k, then
// rows: a block of R rows x 64 k takes R x 128 contiguous bytes. So a tile travels by the copy
// engine as one piece, and the matrix units read shared memory without conflicts. Weights:
// [features / 64][K / 64] blocks of 64 x 64. Activations: [rows / T][K / 64] blocks of T x 64, T =
// gemm_tile_rows() of the pass. K is padded with zeros to a multiple of 64, features to one of 64.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "engine/cuda/launch.h"
#include "engine/noise.h"

namespace molgen3d::cuda {

inline constexpr int kBlockFeatures = 64;  ///< features of one thread block
inline constexpr int kBlockDepth = 64;     ///< k of one pipeline stage

/// Element (row, k) of activations in tiles of `tile_rows`; of weights with tiles of 64.
MOLGEN3D_HOST_DEVICE inline size_t activation_offset(int row, int k, int tile_rows, int depth) {
  const int tile = row / tile_rows, inner = row % tile_rows;
  return (static_cast<size_t>(tile) * (depth / 64) + k / 64) *
             (static_cast<size_t>(tile_rows) * 64) +
         ((inner / 8 * 8 + k % 64 / 8) * 8 + inner % 8) * 8 + k % 8;
}

MOLGEN3D_HOST_DEVICE constexpr int padded(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

enum class Epilogue : uint8_t {
  kBf16,     ///< out bf16 [row][stride]
  kSwiGlu,   ///< features alternate 8 gate, 8 up; out: activations layout, bf16(silu(gate)) * up
  kPartial,  ///< out fp32 [split][row][stride]
};

struct GemmArguments {
  const __nv_bfloat16* weights = nullptr;
  const __nv_bfloat16* activations = nullptr;
  const int* row_count = nullptr;  ///< on the device: rows in use
  int depth = 0;                   ///< K, a multiple of 64 x splits
  int tile_rows = 0;  ///< gemm_tile_rows(max_rows): also how the activations are laid out
  int features = 0;   ///< real ones; the weights are padded to 64
  int splits = 1;     ///< parts of K, each summed by itself (kPartial only)
  void* out = nullptr;
  int out_stride = 0;       ///< elements from row to row; kSwiGlu: K of the next product
  size_t split_stride = 0;  ///< elements from split to split
  /// Of the next kernel (intrinsics.cuh): a pass whose latencies count.
  bool early_start = false;
};

/// Rows of one thread block's tile for a pass of at most `rows` rows. A sum never depends on it.
int gemm_tile_rows(int rows);

void gemm(const Stream& stream, Epilogue epilogue, const GemmArguments& arguments, int max_rows);

/// Whether this device runs the code for Hopper: the copy engine, wgmma, fp8.
bool runs_hopper_code();

/// Raises shared-memory limits; once per device.
void prepare_gemm();

/// Parts of K that every product with this depth is cut into, at every batch size.
int gemm_splits(int depth);

}  // namespace molgen3d::cuda
