// The arithmetic of RMSNorm, the same wherever a row is normed: one group of 128 threads a row,
// eight elements a thread and piece.
#pragma once

#include "engine/cuda/intrinsics.cuh"

namespace molgen3d::cuda {

constexpr int kNormThreads = 128;  ///< of one row

struct Eight {
  float v[8];
};

__device__ __forceinline__ Eight unpack_eight(const uint4& raw) {
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

__device__ __forceinline__ uint4 pack_eight(const Eight& x) {
  uint4 raw;
  raw.x = pack_bf16(x.v[0], x.v[1]);
  raw.y = pack_bf16(x.v[2], x.v[3]);
  raw.z = pack_bf16(x.v[4], x.v[5]);
  raw.w = pack_bf16(x.v[6], x.v[7]);
  return raw;
}

/// x += sum of the parts of a product at `p`, rounded as Hugging Face does.
__device__ __forceinline__ void add_partials(Eight& x, const float* p, int splits, size_t stride) {
  Eight sum = {};
#pragma unroll 4
  for (int s = 0; s < splits; ++s) {
    const float4 a = __ldcg(reinterpret_cast<const float4*>(p + s * stride));
    const float4 b = __ldcg(reinterpret_cast<const float4*>(p + s * stride) + 1);
    const float values[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
#pragma unroll
    for (int i = 0; i < 8; ++i) sum.v[i] += values[i];
  }
#pragma unroll
  for (int j = 0; j < 8; ++j) x.v[j] = bf16_round(x.v[j] + bf16_round(sum.v[j]));
}

__device__ __forceinline__ void add_squares(float& sum, const Eight& x) {
#pragma unroll
  for (int j = 0; j < 8; ++j) sum += x.v[j] * x.v[j];
}

/// What a mean of squares makes of its row. Where the squares overflow it is NaN, not the 0 that
/// would turn the row into a sound-looking one.
__device__ __forceinline__ float norm_factor(float mean) {
  return rsqrtf(mean) + (mean - mean);
}

/// Factor of a row from the four warps' sums of squares.
__device__ __forceinline__ float norm_scale(const float* warp_sums, int width, float eps) {
  const float total = warp_sums[0] + warp_sums[1] + warp_sums[2] + warp_sums[3];
  return norm_factor(total / static_cast<float>(width) + eps);
}

/// As Hugging Face: rounded to bf16, then times the weight.
__device__ __forceinline__ uint4 normed_eight(const Eight& x, float scale, const Eight& weight) {
  Eight out;
#pragma unroll
  for (int j = 0; j < 8; ++j) out.v[j] = bf16_round(x.v[j] * scale) * weight.v[j];
  return pack_eight(out);
}

}  // namespace molgen3d::cuda
