// Before Hopper: the tiles and the order of sums of gemm_hopper.cuh with mma.sync, double-buffered.
#pragma once

#include "engine/cuda/gemm_tile.cuh"

#if !defined(__CUDA_ARCH_FEAT_SM90_ALL)

namespace molgen3d::cuda {

/// A thread block's work; the kernel of gemm.cu.
template <int kRows, bool kLatency, Epilogue kEpilogue>
__device__ __forceinline__ void multiply_tile(const GemmArguments& a) {
  using Shape = TileShape<kRows, kLatency>;
  constexpr int kStage = Shape::kStageBytes;
  extern __shared__ uint8_t shared_raw[];
  uint8_t* ring =
      reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(shared_raw) + 127) & ~uintptr_t{127});
  wait_for_previous_kernel();
  let_next_kernel_start();
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int rows = *a.row_count;
  const int first_row = static_cast<int>(blockIdx.y) * kRows;
  if (first_row >= rows) return;
  const int steps = a.depth / (kBlockDepth * a.splits);
  const int first_step = static_cast<int>(blockIdx.z) * steps;
  const auto [weights, activations, step_bytes, groups] =
      tile_source<kRows>(a, rows, first_row, first_step);
  const auto fill = [&](int step) {
    uint8_t* stage = ring + step % 2 * kStage;
    for (int i = static_cast<int>(threadIdx.x); i < kWeightBytes / 16; i += Shape::kThreads) {
      copy_16_async(stage + i * 16, weights + static_cast<size_t>(step) * kWeightBytes + i * 16);
    }
    for (int i = static_cast<int>(threadIdx.x); i < groups * (kGroupBytes / 16);
         i += Shape::kThreads) {
      copy_16_async(stage + kWeightBytes + i * 16,
                    activations + static_cast<size_t>(step) * step_bytes + i * 16);
    }
    copy_async_commit();
  };
  float sum[kRows / 2];
#pragma unroll
  for (int i = 0; i < kRows / 2; ++i) sum[i] = 0;
  fill(0);
  for (int step = 0; step < steps; ++step) {
    if (step + 1 < steps) {
      fill(step + 1);
      copy_async_wait<1>();
    } else {
      copy_async_wait<0>();
    }
    __syncthreads();
    const uint8_t* stage = ring + step % 2 * kStage;
    if (warp < 4) {
#pragma unroll
      for (int pair = 0; pair < 2; ++pair) {  // 32 of k: two instructions
        uint32_t w[2][4];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int core = pair * 4 + i * 2 + lane / 16, group = warp * 2 + lane / 8 % 2;
          load_matrices(w[i], stage + group * kGroupBytes + core * 128 + lane % 8 * 16);
        }
#pragma unroll
        for (int j = 0; j < kRows / 8; ++j) {
          uint32_t x[4];
          load_matrices(x, stage + kWeightBytes + j * kGroupBytes + (pair * 4 + lane / 8) * 128 +
                               lane % 8 * 16);
          float(&d)[4] = *reinterpret_cast<float(*)[4]>(&sum[4 * j]);
          multiply_add(d, w[0], x[0], x[1]);
          multiply_add(d, w[1], x[2], x[3]);
        }
      }
    }
    __syncthreads();
  }
  if (warp < 4) store_tile<kEpilogue, kRows, 0, kRows / 8>(a, sum, rows, first_row, warp, lane);
}

}  // namespace molgen3d::cuda

#endif
