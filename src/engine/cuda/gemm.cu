// One thread block multiplies 64 features by a tile of 8 .. 128 rows over one part of K: a producer
// warp keeps a ring of stages filled through the copy engine, four or eight warps multiply. The
// even and the odd stages are summed apart, by two groups of four warps where tiles are small
// (latency counts) or by one with two sets of sums (throughput counts): the same bits.
//
// Bytes: weights once per row tile, 128 K per 64 features; activations once per feature block,
// 2 K x rows (from the second-level cache). Operations: 2 x 64 x rows x K.
// The order of the sum over K is fixed by gemm_splits() alone: never by the batch or the tile.
#include "engine/cuda/gemm.h"
#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/wgmma.cuh"

namespace molgen3d::cuda {
namespace {

template <int kRows>
constexpr int kGroups = kRows <= 32 ? 2 : 1;  ///< of four warps that multiply
template <int kRows>
constexpr int kThreads = kGroups<kRows> * 128 + 32;  // and a warp that copies
constexpr int kMaxStages = 16;
constexpr int kWeightBytes = kBlockFeatures * kBlockDepth * 2;
constexpr int kGroupBytes = 8 * kBlockDepth * 2;  // eight rows of one stage
// Small tiles: the whole of the weights in flight at once. Large ones: two blocks per
// multiprocessor.
template <int kRows>
constexpr int kRingBytes = kRows <= 32 ? 150528 : 98304;

template <int kRows>
constexpr int kStageBytes = kWeightBytes + kRows / 8 * kGroupBytes;
template <int kRows>
constexpr int kStages =
    kRingBytes<kRows> / kStageBytes<kRows> < kMaxStages ? kRingBytes<kRows> / kStageBytes<kRows>
                                                        : kMaxStages;
template <int kRows>
constexpr size_t kSharedBytes = static_cast<size_t>(kStages<kRows>) * kStageBytes<kRows> + 128;

/// Stores row groups j = kFirst .. kEnd - 1 of a tile. Lane l of warp w (of four) holds features
/// 16 w + l/4 (+8) of rows 8 j + 2 (l%4) (+1).
template <Epilogue kEpilogue, int kRows, int kFirst, int kEnd>
__device__ __forceinline__ void store(const GemmArguments& a, const float (&sum)[kRows / 2],
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

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

template <int kRows, Epilogue kEpilogue>
__global__ void __launch_bounds__(kThreads<kRows>)
    gemm_kernel(const __grid_constant__ GemmArguments a) {
  constexpr int kTileBytes = kRows / 8 * kGroupBytes;
  constexpr int kCount = kStages<kRows>;
  extern __shared__ uint8_t shared_raw[];
  uint8_t* ring =
      reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(shared_raw) + 127) & ~uintptr_t{127});
  uint8_t* tiles = ring + kCount * kWeightBytes;
  __shared__ uint64_t filled[kCount], freed[kCount];

  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int rows = load_shared_word(a.row_count);  // written at least two kernels earlier
  const int first_row = static_cast<int>(blockIdx.y) * kRows;
  if (first_row >= rows) {
    wait_for_previous_kernel();
    return;
  }
  if (threadIdx.x == 0) {
    for (int i = 0; i < kCount; ++i) {
      barrier_init(&filled[i], 1);
      barrier_init(&freed[i], 128);
    }
    barrier_init_fence();
  }
  __syncthreads();

  const int steps = a.depth / (kBlockDepth * a.splits);
  const int first_step = static_cast<int>(blockIdx.z) * steps;
  if (warp == 4 * kGroups<kRows>) {
    const uint8_t* weights =
        reinterpret_cast<const uint8_t*>(a.weights) +
        (static_cast<size_t>(blockIdx.x) * (a.depth / kBlockDepth) + first_step) * kWeightBytes;
    const uint32_t tile_bytes = min(kRows / 8, (rows - first_row + 7) / 8) * kGroupBytes;
    const size_t step_bytes = static_cast<size_t>(a.tile_rows) * (kBlockDepth * 2);
    const uint8_t* activations =
        reinterpret_cast<const uint8_t*>(a.activations) +
        (static_cast<size_t>(first_row / a.tile_rows) * (a.depth / kBlockDepth) + first_step) *
            step_bytes +
        first_row % a.tile_rows * (kBlockDepth * 2);
    const auto fill_weights = [&](int step) {
      const int stage = step % kCount;
      barrier_arrive_expect(&filled[stage], kWeightBytes + tile_bytes);
      bulk_copy(ring + stage * kWeightBytes, weights + static_cast<size_t>(step) * kWeightBytes,
                kWeightBytes, &filled[stage]);
    };
    const auto fill_activations = [&](int step) {
      const int stage = step % kCount;
      bulk_copy(tiles + stage * kTileBytes, activations + static_cast<size_t>(step) * step_bytes,
                tile_bytes, &filled[stage]);
    };
    const int ahead = min(steps, kCount);
    if (lane == 0) {
      for (int step = 0; step < ahead; ++step) fill_weights(step);
    }
    __syncwarp();
    wait_for_previous_kernel();
    let_next_kernel_start();
    if (lane < ahead) fill_activations(lane);
    if (lane == 0) {
      for (int step = ahead; step < steps; ++step) {
        barrier_wait(&freed[step % kCount], (step / kCount + 1) & 1);
        fill_weights(step);
        fill_activations(step);
      }
    }
    return;
  }

  const auto multiply = [&](float(&sum)[kRows / 2], int step, int first) {
    const int stage = step % kCount;
    barrier_wait(&filled[stage], (step / kCount) & 1);
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
  };
  float sum[kRows / 2];
#pragma unroll
  for (int i = 0; i < kRows / 2; ++i) sum[i] = 0;
  if constexpr (kGroups<kRows> == 1) {
    float odd[kRows / 2];
#pragma unroll
    for (int i = 0; i < kRows / 2; ++i) odd[i] = 0;
    for (int step = 0; step < steps; step += 2) {
      multiply(sum, step, 0);
      if (step > 0) barrier_arrive(&freed[(step - 1) % kCount]);
      if (step + 1 < steps) {
        multiply(odd, step + 1, 1);
        barrier_arrive(&freed[step % kCount]);
      }
    }
    warpgroup_wait<0>();
#pragma unroll
    for (int i = 0; i < kRows / 2; ++i) sum[i] += odd[i];
    store<kEpilogue, kRows, 0, kRows / 8>(a, sum, rows, first_row, warp, lane);
  } else {
    const int group = warp / 4;
    for (int step = group; step < steps; step += 2) {
      multiply(sum, step, group);
      if (step > group) barrier_arrive(&freed[(step - 2) % kCount]);
    }
    warpgroup_wait<0>();
    // The groups exchange halves of their sums through the ring, which nobody needs any more.
    constexpr int kHalf = (kRows / 8 + 1) / 2;
    float* exchange = reinterpret_cast<float*>(ring) + threadIdx.x % 128;
    const auto join = [] { asm volatile("bar.sync 1, 256;" ::: "memory"); };
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
      store<kEpilogue, kRows, 0, kHalf>(a, sum, rows, first_row, warp, lane);
    } else {
      store<kEpilogue, kRows, kHalf, kRows / 8>(a, sum, rows, first_row, warp - 4, lane);
    }
  }
}

#else

// Before Hopper: the same tiles and the same order of sums with mma.sync, double-buffered.
template <int kRows, Epilogue kEpilogue>
__global__ void __launch_bounds__(kThreads<kRows>)
    gemm_kernel(const __grid_constant__ GemmArguments a) {
  constexpr int kStage = kStageBytes<kRows>;
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
  const uint8_t* weights =
      reinterpret_cast<const uint8_t*>(a.weights) +
      (static_cast<size_t>(blockIdx.x) * (a.depth / kBlockDepth) + first_step) * kWeightBytes;
  const int groups = min(kRows / 8, (rows - first_row + 7) / 8);
  const size_t step_bytes = static_cast<size_t>(a.tile_rows) * (kBlockDepth * 2);
  const uint8_t* activations =
      reinterpret_cast<const uint8_t*>(a.activations) +
      (static_cast<size_t>(first_row / a.tile_rows) * (a.depth / kBlockDepth) + first_step) *
          step_bytes +
      first_row % a.tile_rows * (kBlockDepth * 2);
  const auto fill = [&](int step) {
    uint8_t* stage = ring + step % 2 * kStage;
    for (int i = static_cast<int>(threadIdx.x); i < kWeightBytes / 16; i += kThreads<kRows>) {
      copy_16_async(stage + i * 16, weights + static_cast<size_t>(step) * kWeightBytes + i * 16);
    }
    for (int i = static_cast<int>(threadIdx.x); i < groups * (kGroupBytes / 16);
         i += kThreads<kRows>) {
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
  if (warp < 4) store<kEpilogue, kRows, 0, kRows / 8>(a, sum, rows, first_row, warp, lane);
}

#endif

template <int kRows>
void launch_tile(const Stream& stream, Epilogue epilogue, const GemmArguments& a, int max_rows) {
  const dim3 grid(static_cast<unsigned>(padded(a.features, kBlockFeatures) / kBlockFeatures),
                  static_cast<unsigned>((max_rows + kRows - 1) / kRows),
                  static_cast<unsigned>(a.splits));
  const auto kernel = epilogue == Epilogue::kBf16     ? gemm_kernel<kRows, Epilogue::kBf16>
                      : epilogue == Epilogue::kSwiGlu ? gemm_kernel<kRows, Epilogue::kSwiGlu>
                                                      : gemm_kernel<kRows, Epilogue::kPartial>;
  launch(stream, "gemm", kernel, grid, dim3(kThreads<kRows>), kSharedBytes<kRows>, a);
}

template <int kRows>
void prepare_tile() {
  allow_shared_memory(gemm_kernel<kRows, Epilogue::kBf16>, kSharedBytes<kRows>);
  allow_shared_memory(gemm_kernel<kRows, Epilogue::kSwiGlu>, kSharedBytes<kRows>);
  allow_shared_memory(gemm_kernel<kRows, Epilogue::kPartial>, kSharedBytes<kRows>);
}

}  // namespace

int gemm_splits(int depth) {
  // Deep products have few feature blocks in these models: four parts fill the chip.
  if (depth >= 1024 && depth % (4 * kBlockDepth) == 0) return 4;
  return 1;
}

int gemm_tile_rows(int rows) {
  for (const int tile : {8, 16, 32, 48, 64, 96}) {
    if (rows <= tile) return tile;
  }
  // Two tiles of 96 hold up to 192 rows with less padding than two of 128.
  return rows > 128 && rows <= 192 ? 96 : 128;
}

void gemm(const Stream& stream, Epilogue epilogue, const GemmArguments& a, int max_rows) {
  // A tile is cut in two where its blocks would leave half of the chip idle.
  int rows = a.tile_rows;
  const int blocks = padded(a.features, kBlockFeatures) / kBlockFeatures * a.splits;
  if (rows >= 64 && blocks * ((max_rows + rows - 1) / rows) <= 66) rows /= 2;
  switch (rows) {
    case 8:
      return launch_tile<8>(stream, epilogue, a, max_rows);
    case 16:
      return launch_tile<16>(stream, epilogue, a, max_rows);
    case 32:
      return launch_tile<32>(stream, epilogue, a, max_rows);
    case 48:
      return launch_tile<48>(stream, epilogue, a, max_rows);
    case 64:
      return launch_tile<64>(stream, epilogue, a, max_rows);
    case 96:
      return launch_tile<96>(stream, epilogue, a, max_rows);
    default:
      return launch_tile<128>(stream, epilogue, a, max_rows);
  }
}

void prepare_gemm() {
  prepare_tile<8>();
  prepare_tile<16>();
  prepare_tile<32>();
  prepare_tile<48>();
  prepare_tile<64>();
  prepare_tile<96>();
  prepare_tile<128>();
}

}  // namespace molgen3d::cuda
