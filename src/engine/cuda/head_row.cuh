// One head of one new row, in one warp: q/k norm, rotary embedding, the form that the cache holds.
#pragma once

#include "engine/cuda/attention_layout.cuh"
#include "engine/cuda/kernels.h"
#include "engine/cuda/norm_row.cuh"

namespace molgen3d::cuda::attention {

/// kDim / 32 consecutive elements of one lane.
template <int kDim>
struct Lane {
  static constexpr int kCount = kDim / 32;
  float v[kCount];
};

/// The integer type as wide as kCount elements: one load or store a lane.
template <int kCount>
struct Word;
template <>
struct Word<1> {
  using Type = uint16_t;
};
template <>
struct Word<2> {
  using Type = uint32_t;
};
template <>
struct Word<4> {
  using Type = uint2;
};

template <int kDim>
__device__ __forceinline__ Lane<kDim> load_lane(const Bf16* row, int lane, int dim) {
  constexpr int kCount = Lane<kDim>::kCount;
  typename Word<kCount>::Type word = {};
  if (lane * kCount < dim) word = *reinterpret_cast<const decltype(word)*>(row + lane * kCount);
  Lane<kDim> x;
  const Bf16* values = reinterpret_cast<const Bf16*>(&word);
#pragma unroll
  for (int i = 0; i < kCount; ++i) x.v[i] = __bfloat162float(values[i]);
  return x;
}

template <int kDim>
__device__ __forceinline__ void store_lane(Bf16* to, const Lane<kDim>& x) {
  constexpr int kCount = Lane<kDim>::kCount;
  typename Word<kCount>::Type word;
  Bf16* values = reinterpret_cast<Bf16*>(&word);
#pragma unroll
  for (int i = 0; i < kCount; ++i) values[i] = __float2bfloat16_rn(x.v[i]);
  *reinterpret_cast<typename Word<kCount>::Type*>(to) = word;
}

/// A lane's part of a key or value as the cache holds it.
template <typename L>
struct PackedLane {
  static constexpr int kCount = Lane<L::kDim>::kCount;
  static constexpr int kBytes = L::kFp8 ? kCount : 2 * kCount;
  using Type = typename Word<(kBytes + 1) / 2>::Type;
  Type word;
  float scale = 1;  ///< fp8: of the whole row

  __device__ __forceinline__ explicit PackedLane(const Lane<L::kDim>& x) {
    if constexpr (L::kFp8) {
      float largest = 0;
#pragma unroll
      for (int i = 0; i < kCount; ++i) largest = fmaxf(largest, fabsf(x.v[i]));
#pragma unroll
      for (int step = 16; step > 0; step /= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFU, largest, step));
      }
      // The smallest power of two that brings it to 448 or less: rows lose no bits to the scale.
      const uint32_t bits = __float_as_uint(fmaxf(largest, 1e-30F) * (1.0F / 448));
      const uint32_t power = (bits + 0x7FFFFFU) & 0x7F800000U;
      scale = __uint_as_float(power);
      const float inverse = __uint_as_float(0x7F000000U - power);
      uint32_t packed = 0;
#pragma unroll
      for (int i = 0; i < kCount; i += 2) {
        const uint32_t pair = __nv_cvt_float2_to_fp8x2({x.v[i] * inverse, x.v[i + 1] * inverse},
                                                       __NV_SATFINITE, __NV_E4M3);
        packed |= pair << (8 * i);
      }
      word = static_cast<Type>(packed);
    } else {
      Bf16* values = reinterpret_cast<Bf16*>(&word);
#pragma unroll
      for (int i = 0; i < kCount; ++i) values[i] = __float2bfloat16_rn(x.v[i]);
    }
  }
  /// Into a page; `key` counts from the page's first.
  __device__ __forceinline__ void store(uint8_t* page, bool is_value, int key, int lane) const {
    const int byte = lane * kBytes;
    *reinterpret_cast<Type*>(page + (is_value ? L::kValues : 0) + key * L::kRowBytes +
                             unit_offset<L::kRowBytes>(key, byte / 16) + byte % 16) = word;
    if (L::kFp8 && lane == 0) {
      reinterpret_cast<float*>(page + L::kScales)[(is_value ? kPage : 0) + key] = scale;
    }
  }
};

/// Zeros for a value that is not there yet: it is read with weight zero and must not be NaN.
template <typename L>
__device__ __forceinline__ void clear_value_unit(uint8_t* page, int key, int unit) {
  *reinterpret_cast<uint4*>(page + L::kValues + key * L::kRowBytes +
                            unit_offset<L::kRowBytes>(key, unit)) = {0, 0, 0, 0};
}

/// The values of a page after `key`. One warp.
template <typename L>
__device__ __forceinline__ void clear_values_after(uint8_t* page, int key, int lane) {
  for (int i = lane; i < (kPage - 1 - key) * L::kUnits; i += 32) {
    clear_value_unit<L>(page, key + 1 + i / L::kUnits, i % L::kUnits);
  }
}

enum class HeadRole : uint8_t { kQuery, kKey, kValue };

template <int kDim>
struct HeadRow {
  static constexpr int kCount = Lane<kDim>::kCount;
  Lane<kDim> x = {}, weight = {}, cosine = {}, sine = {};

  /// Lane that holds the other half of a rotated pair.
  __device__ __forceinline__ static int partner(int dim, int lane) {
    const int half = dim / 2 / kCount;  // lanes of one half
    return lane < half ? lane + half : lane - half;
  }

  /// What does not depend on the kernel before: norm weights and turns.
  __device__ __forceinline__ void load_constants(const AttentionArguments& a, HeadRole role,
                                                 int position, int lane) {
    if (role == HeadRole::kValue) return;
    const int dim = a.head_dim;
    const Bf16* norm = role == HeadRole::kQuery ? a.query_norm : a.key_norm;
    if (norm != nullptr) weight = load_lane<kDim>(norm, lane, dim);
    if (lane * kCount >= dim) return;
    const float2* turns = a.rotation + static_cast<size_t>(position) * (dim / 2) +
                          (lane < dim / 2 / kCount ? lane : partner(dim, lane)) * kCount;
    if constexpr (kCount > 1) {
#pragma unroll
      for (int i = 0; i < kCount; i += 2) {
        const float4 two = *reinterpret_cast<const float4*>(turns + i);
        cosine.v[i] = two.x;
        sine.v[i] = two.y;
        cosine.v[i + 1] = two.z;
        sine.v[i + 1] = two.w;
      }
    } else {
      cosine.v[0] = turns[0].x;
      sine.v[0] = turns[0].y;
    }
  }

  /// Norm and rotation of x; values stay as they are.
  __device__ __forceinline__ void prepare(const AttentionArguments& a, HeadRole role, int lane) {
    if (role == HeadRole::kValue) return;
    const int dim = a.head_dim;
    if ((role == HeadRole::kQuery ? a.query_norm : a.key_norm) != nullptr) {
      float squares = 0;
#pragma unroll
      for (int i = 0; i < kCount; ++i) squares += x.v[i] * x.v[i];
      const float scale = norm_factor(warp_sum(squares) / static_cast<float>(dim) + a.eps);
#pragma unroll
      for (int i = 0; i < kCount; ++i)
        x.v[i] = bf16_round(bf16_round(x.v[i] * scale) * weight.v[i]);
    }
    const bool first = lane < dim / 2 / kCount;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const float other = __shfl_sync(0xFFFFFFFFU, x.v[i], partner(dim, lane) & 31);
      x.v[i] = first ? x.v[i] * cosine.v[i] - other * sine.v[i]
                     : x.v[i] * cosine.v[i] + other * sine.v[i];
    }
  }
};

}  // namespace molgen3d::cuda::attention
