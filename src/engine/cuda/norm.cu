// Residual sum and RMSNorm, one thread block per row.
//
// Bytes per row of width H: residual 2 H read, 2 H written, each partial 4 H read, output 2 H
// written (all from and to the second-level cache). Operations: about 6 H. Numerics as Hugging
// Face: the product is rounded to bf16, then added; norm in fp32, rounded to bf16, then times the
// weight.
#include "engine/cuda/gemm.h"
#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda {
namespace {

constexpr int kThreads = 128;

struct Eight {
  float v[8];
};

__device__ __forceinline__ Eight load_bf16(const Bf16* p) {
  const uint4 raw = *reinterpret_cast<const uint4*>(p);
  const uint32_t words[4] = {raw.x, raw.y, raw.z, raw.w};
  Eight out;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 pair = __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&words[i]));
    out.v[2 * i] = pair.x;
    out.v[2 * i + 1] = pair.y;
  }
  return out;
}

__device__ __forceinline__ void store_bf16(Bf16* p, const Eight& x) {
  uint4 raw;
  raw.x = pack_bf16(x.v[0], x.v[1]);
  raw.y = pack_bf16(x.v[2], x.v[3]);
  raw.z = pack_bf16(x.v[4], x.v[5]);
  raw.w = pack_bf16(x.v[6], x.v[7]);
  *reinterpret_cast<uint4*>(p) = raw;
}

__device__ __forceinline__ void add_partial(Eight& sum, const float* p) {
  const float4 a = __ldcg(reinterpret_cast<const float4*>(p));
  const float4 b = __ldcg(reinterpret_cast<const float4*>(p) + 1);
  const float values[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
#pragma unroll
  for (int i = 0; i < 8; ++i) sum.v[i] += values[i];
}

/// kPieces: 8-element pieces of one thread.
template <int kPieces>
__global__ void __launch_bounds__(kThreads) norm_kernel(const __grid_constant__ NormArguments a) {
  __shared__ float warp_sums[kThreads / 32];
  Eight weight[kPieces];
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    const int k = (i * kThreads + static_cast<int>(threadIdx.x)) * 8;
    if (k < a.width) weight[i] = load_bf16(a.weight + k);
  }
  wait_for_previous_kernel();
  let_next_kernel_start();
  const int entry = static_cast<int>(blockIdx.x);
  if (entry >= *a.row_count) return;
  const int row = a.row_map != nullptr ? a.row_map[entry] : entry;
  if (row < 0) return;

  Bf16* residual = a.residual + static_cast<size_t>(row) * a.width;
  const int token = a.embedding != nullptr ? min(max(a.row_token[row], 0), a.vocabulary - 1) : 0;
  Eight x[kPieces];
  float squares = 0;
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    const int k = (i * kThreads + static_cast<int>(threadIdx.x)) * 8;
    if (k >= a.width) continue;
    if (a.embedding != nullptr) {
      x[i] = load_bf16(a.embedding + activation_offset(token, k, 64, padded(a.width, 64)));
      store_bf16(residual + k, x[i]);
    } else {
      x[i] = load_bf16(residual + k);
      if (a.partial != nullptr) {
        Eight sum = {};
        const float* p = a.partial + static_cast<size_t>(row) * a.width + k;
        for (int s = 0; s < a.splits; ++s) add_partial(sum, p + s * a.split_stride);
#pragma unroll
        for (int j = 0; j < 8; ++j) x[i].v[j] = bf16_round(x[i].v[j] + bf16_round(sum.v[j]));
        store_bf16(residual + k, x[i]);
      }
    }
#pragma unroll
    for (int j = 0; j < 8; ++j) squares += x[i].v[j] * x[i].v[j];
  }
  squares = warp_sum(squares);
  if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = squares;
  __syncthreads();
  const float total = warp_sums[0] + warp_sums[1] + warp_sums[2] + warp_sums[3];
  const float scale = rsqrtf(total / static_cast<float>(a.width) + a.eps);
#pragma unroll
  for (int i = 0; i < kPieces; ++i) {
    const int k = (i * kThreads + static_cast<int>(threadIdx.x)) * 8;
    if (k >= a.width) continue;
    Eight out;
#pragma unroll
    for (int j = 0; j < 8; ++j) out.v[j] = bf16_round(x[i].v[j] * scale) * weight[i].v[j];
    store_bf16(a.out + activation_offset(entry, k, a.out_tile_rows, a.out_depth), out);
  }
}

}  // namespace

void residual_norm(const Stream& stream, const NormArguments& a, int max_rows) {
  const dim3 grid(static_cast<unsigned>(max_rows)), block(kThreads);
  const int pieces = (a.width + 8 * kThreads - 1) / (8 * kThreads);
  const auto kernel = pieces <= 1   ? norm_kernel<1>
                      : pieces <= 2 ? norm_kernel<2>
                      : pieces <= 4 ? norm_kernel<4>
                                    : norm_kernel<8>;
  launch(stream, "norm", kernel, grid, block, 0, a);
}

}  // namespace molgen3d::cuda
