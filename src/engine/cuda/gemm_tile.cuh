// What the matrix kernels of all devices share: tile sizes and how results are stored.
#pragma once

#include "engine/cuda/gemm.h"
#include "engine/cuda/intrinsics.cuh"

namespace molgen3d::cuda {

constexpr int kMaxStages = 16;
constexpr int kWeightBytes = kBlockFeatures * kBlockDepth * 2;
constexpr int kGroupBytes = 8 * kBlockDepth * 2;  // eight rows of one stage

/// What a thread block is made of. Where latencies count: two groups of warps that multiply,
/// weights and activations copied by a warp each, a ring that holds the most. Where throughput
/// counts: one of each, and two blocks a multiprocessor.
template <int kRows, bool kLatency>
struct TileShape {
  static constexpr int kGroups = kLatency ? 2 : 1;   ///< of four warps that multiply
  static constexpr int kCopiers = kLatency ? 2 : 1;  ///< warps that copy
  static constexpr int kThreads = kGroups * 128 + kCopiers * 32;
  static constexpr int kRingBytes = kLatency ? 196608 : 98304;
  static constexpr int kStageBytes = kWeightBytes + kRows / 8 * kGroupBytes;
  static constexpr int kFitting = kRingBytes / kStageBytes;
  static constexpr int kStages = kFitting < kMaxStages ? kFitting : kMaxStages;
  static constexpr size_t kSharedBytes = static_cast<size_t>(kStages) * kStageBytes + 128;
};

/// Where the operands of a thread block's tile lie.
struct TileSource {
  const uint8_t* weights;      ///< of the first step; kWeightBytes a step
  const uint8_t* activations;  ///< of the first step; `step_bytes` a step
  size_t step_bytes;
  int groups;  ///< of eight rows that exist
};

template <int kRows>
__device__ __forceinline__ TileSource tile_source(const GemmArguments& a, int rows, int first_row,
                                                  int first_step) {
  TileSource out;
  out.weights =
      reinterpret_cast<const uint8_t*>(a.weights) +
      (static_cast<size_t>(blockIdx.x) * (a.depth / kBlockDepth) + first_step) * kWeightBytes;
  out.groups = min(kRows / 8, (rows - first_row + 7) / 8);
  out.step_bytes = static_cast<size_t>(a.tile_rows) * (kBlockDepth * 2);
  out.activations =
      reinterpret_cast<const uint8_t*>(a.activations) +
      (static_cast<size_t>(first_row / a.tile_rows) * (a.depth / kBlockDepth) + first_step) *
          out.step_bytes +
      first_row % a.tile_rows * (kBlockDepth * 2);
  return out;
}

/// Stores row groups j = kFirst .. kEnd - 1 of a tile. Lane l of warp w (of four) holds features
/// 16 w + l/4 (+8) of rows 8 j + 2 (l%4) (+1).
template <Epilogue kEpilogue, int kRows, int kFirst, int kEnd>
__device__ __forceinline__ void store_tile(const GemmArguments& a, const float (&sum)[kRows / 2],
                                           int rows, int first_row, int warp, int lane) {
  const int feature = static_cast<int>(blockIdx.x) * kBlockFeatures + warp * 16 + lane / 4;
  const int column = 2 * (lane % 4);  // row of the first sum within a group of eight
  const bool low_in = feature < a.features, high_in = feature + 8 < a.features;
  // Element offsets from one row group to the next and from a row to the next: no division inside.
  size_t at, group_stride, row_stride;
  if constexpr (kEpilogue == Epilogue::kSwiGlu) {
    const int inner = static_cast<int>(blockIdx.x) * (kBlockFeatures / 2) + warp * 8 + lane / 4;
    at = activation_offset(first_row, inner, a.tile_rows, a.out_stride) + column * 8;
    group_stride = 512;
    row_stride = 8;
  } else {
    row_stride = static_cast<size_t>(a.out_stride);
    group_stride = 8 * row_stride;
    at = static_cast<size_t>(first_row + column) * row_stride + feature;
    if constexpr (kEpilogue == Epilogue::kPartial) at += blockIdx.z * a.split_stride;
  }
  at += kFirst * group_stride;
#pragma unroll
  for (int j = kFirst; j < kEnd; ++j, at += group_stride) {
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      if (first_row + 8 * j + column + c >= rows) continue;
      const float low = sum[4 * j + c], high = sum[4 * j + 2 + c];
      const size_t here = at + c * row_stride;
      if constexpr (kEpilogue == Epilogue::kBf16) {
        Bf16* out = static_cast<Bf16*>(a.out) + here;
        if (low_in) out[0] = __float2bfloat16_rn(low);
        if (high_in) out[8] = __float2bfloat16_rn(high);
      } else if constexpr (kEpilogue == Epilogue::kPartial) {
        float* out = static_cast<float*>(a.out) + here;
        if (low_in) out[0] = low;
        if (high_in) out[8] = high;
      } else if (high_in) {
        const float gate = bf16_round(low), up = bf16_round(high);
        const float activated = bf16_round(__fdividef(gate, 1.0F + __expf(-gate)));
        static_cast<Bf16*>(a.out)[here] = __float2bfloat16_rn(activated * up);
      }
    }
  }
}

}  // namespace molgen3d::cuda
