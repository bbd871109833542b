// The matrix product of one thread block on Hopper: one or two warps keep a ring of stages filled
// through the copy engine, four or eight warps multiply with wgmma. The even and the odd stages are
// summed apart, by two groups of four warps where latency counts or by one with two sets of sums
// where throughput counts: the same bits.
#pragma once

#include "engine/cuda/gemm_tile.cuh"
#include "engine/cuda/wgmma.cuh"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

namespace molgen3d::cuda {

template <int kRows, bool kLatency>
struct GemmBlock {
  using Shape = TileShape<kRows, kLatency>;
  static constexpr int kCount = Shape::kStages;
  static constexpr int kTileBytes = kRows / 8 * kGroupBytes;
  static constexpr int kMultipliers = Shape::kGroups * 128;
  static constexpr int kWeightFlight = 4;  ///< stages of weights on their way at once

  const GemmArguments& a;
  uint8_t *ring, *tiles;
  uint64_t *filled, *freed;
  uint64_t* loaded;  ///< where latency counts: activations; `filled` is for weights alone then
  int rows, first_row, steps, first_step;
  int warp, lane;

  __device__ __forceinline__ static void join() {
    asm volatile("bar.sync 1, %0;" ::"n"(kMultipliers) : "memory");
  }

  // The producers.

  __device__ __forceinline__ void fill_weights(const TileSource& from, int step) const {
    const int stage = step % kCount;
    bulk_copy(ring + stage * kWeightBytes, from.weights + static_cast<size_t>(step) * kWeightBytes,
              kWeightBytes, &filled[stage]);
  }
  __device__ __forceinline__ void fill_activations(const TileSource& from, int step,
                                                   uint64_t* barriers) const {
    const int stage = step % kCount;
    bulk_copy(tiles + stage * kTileBytes,
              from.activations + static_cast<size_t>(step) * from.step_bytes,
              from.groups * kGroupBytes, &barriers[stage]);
  }
  __device__ __forceinline__ void await_free(int step) const {
    barrier_wait(&freed[step % kCount], (step / kCount + 1) & 1);
  }

  /// Where latency counts. All stages at once would keep whatever else is read waiting behind them,
  /// also what the kernel before still needs.
  __device__ __forceinline__ void copy_weights() const {
    if (lane != 0) return;
    const TileSource from = tile_source<kRows>(a, rows, first_row, first_step);
    for (int step = 0; step < steps; ++step) {
      if (step >= kCount) await_free(step);
      if (step >= kWeightFlight) {
        const int before = step - kWeightFlight;
        barrier_wait(&filled[before % kCount], before / kCount & 1);
      }
      barrier_arrive_expect(&filled[step % kCount], kWeightBytes);
      fill_weights(from, step);
    }
  }
  __device__ __forceinline__ void copy_activations() const {
    const TileSource from = tile_source<kRows>(a, rows, first_row, first_step);
    const uint32_t tile_bytes = from.groups * kGroupBytes;
    const int ahead = min(steps, kCount);
    if (lane < ahead) barrier_arrive_expect(&loaded[lane], tile_bytes);
    meet_previous_kernel(a.early_start);
    if (lane < ahead) fill_activations(from, lane, loaded);
    if (lane != 0) return;
    for (int step = ahead; step < steps; ++step) {
      await_free(step);
      barrier_arrive_expect(&loaded[step % kCount], tile_bytes);
      fill_activations(from, step, loaded);
    }
  }
  /// Where throughput counts: one warp for both.
  __device__ __forceinline__ void copy() const {
    const TileSource from = tile_source<kRows>(a, rows, first_row, first_step);
    const uint32_t bytes = kWeightBytes + from.groups * kGroupBytes;
    const int ahead = min(steps, kCount);
    if (lane == 0) {
      for (int step = 0; step < ahead; ++step) {
        barrier_arrive_expect(&filled[step], bytes);
        fill_weights(from, step);
      }
    }
    __syncwarp();
    meet_previous_kernel(a.early_start);
    if (lane < ahead) fill_activations(from, lane, filled);
    if (lane != 0) return;
    for (int step = ahead; step < steps; ++step) {
      await_free(step);
      barrier_arrive_expect(&filled[step % kCount], bytes);
      fill_weights(from, step);
      fill_activations(from, step, filled);
    }
  }

  // The multipliers.

  __device__ __forceinline__ void multiply(float (&sum)[kRows / 2], int step, int first) const {
    const int stage = step % kCount;
    if constexpr (kLatency) barrier_wait(&loaded[stage], step / kCount & 1);
    barrier_wait(&filled[stage], step / kCount & 1);
    const uint32_t w = shared_address(ring) + stage * kWeightBytes;
    const uint32_t x = shared_address(tiles) + stage * kTileBytes;
    warpgroup_fence();
#pragma unroll
    for (int i = 0; i < kBlockDepth / 16; ++i) {
      warpgroup_multiply<kRows>(sum, operand_descriptor(w + i * 256, kGroupBytes),
                                operand_descriptor(x + i * 256, kGroupBytes), step + i > first);
    }
    warpgroup_commit();
    warpgroup_wait<1>();
  }
  /// This warp has read the stage of `step`; said only if it will be filled again.
  __device__ __forceinline__ void release(int step) const {
    if (step + kCount < steps && lane == 0) barrier_arrive(&freed[step % kCount]);
  }

  template <Epilogue kEpilogue>
  __device__ __forceinline__ void multiply_and_store() const {
    float sum[kRows / 2];
#pragma unroll
    for (int i = 0; i < kRows / 2; ++i) sum[i] = 0;
    if constexpr (!kLatency) {
      float odd[kRows / 2];
#pragma unroll
      for (int i = 0; i < kRows / 2; ++i) odd[i] = 0;
      for (int step = 0; step < steps; step += 2) {
        multiply(sum, step, 0);
        if (step > 0) release(step - 1);
        if (step + 1 < steps) {
          multiply(odd, step + 1, 1);
          release(step);
        }
      }
      warpgroup_wait<0>();
#pragma unroll
      for (int i = 0; i < kRows / 2; ++i) sum[i] += odd[i];
      store_tile<kEpilogue, kRows, 0, kRows / 8>(a, sum, rows, first_row, warp, lane);
    } else {
      const int group = warp / 4;
      for (int step = group; step < steps; step += 2) {
        multiply(sum, step, group);
        if (step > group) release(step - 2);
      }
      warpgroup_wait<0>();
      // The groups exchange halves of their sums through the ring, which nobody needs any more.
      constexpr int kHalf = (kRows / 8 + 1) / 2;
      float* exchange = reinterpret_cast<float*>(ring) + threadIdx.x % 128;
      join();
#pragma unroll
      for (int i = 0; i < kRows / 2; ++i) {
        if ((i / 4 < kHalf) == (group == 1)) exchange[i * 128] = sum[i];
      }
      join();
#pragma unroll
      for (int i = 0; i < kRows / 2; ++i) {
        if ((i / 4 < kHalf) == (group == 0)) sum[i] += exchange[i * 128];
      }
      if (group == 0) {
        store_tile<kEpilogue, kRows, 0, kHalf>(a, sum, rows, first_row, warp, lane);
      } else {
        store_tile<kEpilogue, kRows, kHalf, kRows / 8>(a, sum, rows, first_row, warp - 4, lane);
      }
    }
  }
};

/// A thread block's work; the kernel of gemm.cu.
template <int kRows, bool kLatency, Epilogue kEpilogue>
__device__ __forceinline__ void multiply_tile(const GemmArguments& a) {
  using Block = GemmBlock<kRows, kLatency>;
  extern __shared__ uint8_t shared_raw[];
  uint8_t* ring =
      reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(shared_raw) + 127) & ~uintptr_t{127});
  __shared__ uint64_t filled[Block::kCount], freed[Block::kCount], loaded[Block::kCount];

  const int steps = a.depth / (kBlockDepth * a.splits);
  const Block block{a,
                    ring,
                    ring + Block::kCount * kWeightBytes,
                    filled,
                    freed,
                    loaded,
                    load_shared_word(a.row_count),  // written at least two kernels earlier
                    static_cast<int>(blockIdx.y) * kRows,
                    steps,
                    static_cast<int>(blockIdx.z) * steps,
                    static_cast<int>(threadIdx.x) / 32,
                    static_cast<int>(threadIdx.x) % 32};
  if (block.first_row >= block.rows) {
    wait_for_previous_kernel();
    return;
  }
  if (threadIdx.x == 0) {
    for (int i = 0; i < Block::kCount; ++i) {
      barrier_init(&filled[i], 1);
      barrier_init(&freed[i], 4);
      if (kLatency) barrier_init(&loaded[i], 1);
    }
    barrier_init_fence();
  }
  __syncthreads();
  constexpr int kFirstCopier = 4 * Block::Shape::kGroups;
  if (block.warp >= kFirstCopier) {
    if constexpr (!kLatency) {
      block.copy();
    } else if (block.warp == kFirstCopier) {
      block.copy_weights();
    } else {
      block.copy_activations();
    }
    return;
  }
  block.template multiply_and_store<kEpilogue>();
}

}  // namespace molgen3d::cuda

#endif
