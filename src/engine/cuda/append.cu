// Queries, keys and values of the new rows: q/k norms and rotary embedding, queries back in place,
// keys and values into the cache. One warp per row and head.
//
// Bytes per row and head: 2 x dim read, 2 x dim written, 4 x dim of rotation and norm weights
// (cached). Operations: about 10 x dim. Its time is one round of loads: all are issued before any
// is used.
#include "engine/cuda/attention_layout.cuh"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda {
namespace {

using namespace attention;

constexpr int kWarpsPerBlock = 4;

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
  Lane<kDim> x = {};
  if (lane * kCount < dim) {
    typename Word<kCount>::Type word =
        *reinterpret_cast<const typename Word<kCount>::Type*>(row + lane * kCount);
    const Bf16* values = reinterpret_cast<const Bf16*>(&word);
#pragma unroll
    for (int i = 0; i < kCount; ++i) x.v[i] = __bfloat162float(values[i]);
  }
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

template <int kDim>
__global__ void __launch_bounds__(kWarpsPerBlock * 32)
    append_kernel(const __grid_constant__ AttentionArguments a) {
  constexpr int kCount = Lane<kDim>::kCount;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = static_cast<int>(blockIdx.x);
  const int head =
      static_cast<int>(blockIdx.y) * kWarpsPerBlock + static_cast<int>(threadIdx.x) / 32;
  const int dim = a.head_dim;
  // Tables of the step and constants: written two kernels earlier or more.
  const bool present = row < load_shared_word(a.row_count) && head < a.heads + 2 * a.kv_heads;
  RowPlace place = {};
  if (present)
    *reinterpret_cast<int4*>(&place) = __ldcg(reinterpret_cast<const int4*>(a.row_place + row));
  const bool is_query = head < a.heads, is_key = !is_query && head < a.heads + a.kv_heads;
  const int half = dim / 2 / kCount;  // lanes of one half
  const bool first = lane < half;
  const int partner = first ? lane + half : lane - half;
  const Bf16* weight = is_query ? a.query_norm : is_key ? a.key_norm : nullptr;
  Lane<kDim> w = {}, cosine = {}, sine = {};
  if (present && (is_query || is_key)) {
    if (weight != nullptr) w = load_lane<kDim>(weight, lane, dim);
    if (lane * kCount < dim) {
      const float2* turns = a.rotation + static_cast<size_t>(place.position) * (dim / 2) +
                            (first ? lane : partner) * kCount;
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
  }
  uint8_t* page = nullptr;
  if (present && !is_query) {
    const uint32_t id =
        a.pages[static_cast<size_t>(place.slot) * a.page_stride + place.position / kPage];
    page =
        reinterpret_cast<uint8_t*>(a.cache) +
        (static_cast<size_t>(id) * a.kv_heads + (head - a.heads) % a.kv_heads) * kPageBytes<kDim>;
  }
  wait_for_previous_kernel();
  let_next_kernel_start();
  if (!present) return;

  Bf16* data = a.projected + static_cast<size_t>(row) * a.projected_stride + head * dim;
  Lane<kDim> x = load_lane<kDim>(data, lane, dim);
  if (weight != nullptr) {
    float squares = 0;
#pragma unroll
    for (int i = 0; i < kCount; ++i) squares += x.v[i] * x.v[i];
    const float scale = rsqrtf(warp_sum(squares) / static_cast<float>(dim) + a.eps);
#pragma unroll
    for (int i = 0; i < kCount; ++i) x.v[i] = bf16_round(bf16_round(x.v[i] * scale) * w.v[i]);
  }
  if (is_query || is_key) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const float other = __shfl_sync(0xFFFFFFFFU, x.v[i], partner & 31);
      x.v[i] = first ? x.v[i] * cosine.v[i] - other * sine.v[i]
                     : x.v[i] * cosine.v[i] + other * sine.v[i];
    }
  }
  if (is_query) {
    if (lane * kCount < dim) store_lane<kDim>(data + lane * kCount, x);
    return;
  }
  const int slot = place.position % kPage;
  const auto at = [&](int key) {
    return reinterpret_cast<Bf16*>(page + (is_key ? 0 : kValues<kDim>)+key * kDim * 2 +
                                   unit_offset<kDim>(key, lane * kCount / 8) +
                                   lane * kCount % 8 * 2);
  };
  store_lane<kDim>(at(slot), x);
  // A page begun in this pass: its values past the last token are read (with weight zero) and must
  // not be NaN.
  const bool last =
      row + 1 == load_shared_word(a.row_count) || __ldcg(&a.row_place[row + 1].slot) != place.slot;
  if (!is_key && last && place.position - slot >= place.first_position) {
    for (int key = slot + 1; key < kPage; ++key) store_lane<kDim>(at(key), Lane<kDim>{});
  }
}

}  // namespace

void append(const Stream& stream, const AttentionArguments& a, int max_rows) {
  const int heads = a.heads + 2 * a.kv_heads;
  const dim3 grid(static_cast<unsigned>(max_rows),
                  static_cast<unsigned>((heads + kWarpsPerBlock - 1) / kWarpsPerBlock));
  const auto go = [&](auto kernel) {
    launch(stream, "append", kernel, grid, dim3(kWarpsPerBlock * 32), 0, a);
  };
  switch (padded_head_dim(a.head_dim)) {
    case 32:
      return go(append_kernel<32>);
    case 64:
      return go(append_kernel<64>);
    default:
      return go(append_kernel<128>);
  }
}

}  // namespace molgen3d::cuda
