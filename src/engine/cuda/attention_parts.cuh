// Pieces of the attention kernels: layout of a chunk in shared memory, norm and rotation of one row,
// and the merge of chunk results, whose arithmetic is the same wherever it happens.
#pragma once

#include "engine/cuda/gemm.h"
#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda::attention {

constexpr int kWarps = 4;  ///< that multiply
constexpr int kPage = 16;
constexpr int kPagesPerChunk = kChunk / kPage;
template <int kDim>
constexpr int kPageBytes = 2 * kPage * kDim * 2;  ///< keys, then values
template <int kDim>
constexpr int kStageBytes = kPagesPerChunk * kPageBytes<kDim>;

/// Byte of a row of kDim elements at which 16-byte unit `unit` is kept: eight rows, eight banks groups.
template <int kDim>
__device__ __forceinline__ int unit_offset(int row, int unit) {
  constexpr int kMask = kDim >= 64 ? 7 : 3;
  return (unit ^ ((kDim >= 64 ? row : row / 2) & kMask)) * 16;
}

template <int kDim>
__device__ __forceinline__ int key_offset(int key) {
  return key / kPage * kPageBytes<kDim> + key % kPage * kDim * 2;
}
template <int kDim>
constexpr int kValues = kPage* kDim * 2;  // from a key to its value

/// kDim / 32 consecutive elements of one lane.
template <int kDim>
struct Lane {
  static constexpr int kCount = kDim / 32;
  float v[kCount];
};

template <int kDim>
__device__ __forceinline__ Lane<kDim> load_lane(const Bf16* row, int lane, int dim) {
  constexpr int kCount = Lane<kDim>::kCount;
  Lane<kDim> x = {};
  if (lane * kCount < dim) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) x.v[i] = __bfloat162float(row[lane * kCount + i]);
  }
  return x;
}

template <int kDim>
__device__ __forceinline__ void store_lane(uint8_t* row_bytes, int row, int lane, const Lane<kDim>& x) {
  constexpr int kCount = Lane<kDim>::kCount;
  uint8_t* p = row_bytes + unit_offset<kDim>(row, lane * kCount / 8) + lane * kCount % 8 * 2;
#pragma unroll
  for (int i = 0; i < kCount; ++i) reinterpret_cast<Bf16*>(p)[i] = __float2bfloat16_rn(x.v[i]);
}

/// RMSNorm (when `weight`), then rotation, of one row held by a warp.
template <int kDim>
__device__ __forceinline__ void norm_and_rotate(Lane<kDim>& x, const Bf16* weight, float eps,
                                                const float2* rotation, int lane, int dim) {
  constexpr int kCount = Lane<kDim>::kCount;
  if (weight != nullptr) {
    float squares = 0;
#pragma unroll
    for (int i = 0; i < kCount; ++i) squares += x.v[i] * x.v[i];
    const float scale = rsqrtf(warp_sum(squares) / static_cast<float>(dim) + eps);
    if (lane * kCount < dim) {
#pragma unroll
      for (int i = 0; i < kCount; ++i) {
        x.v[i] = bf16_round(bf16_round(x.v[i] * scale) * __bfloat162float(weight[lane * kCount + i]));
      }
    }
  }
  const int half = dim / 2 / kCount;  // lanes of one half
  const bool first = lane < half;
  const int partner = first ? lane + half : lane - half;
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    const float other = __shfl_sync(0xFFFFFFFFU, x.v[i], partner & 31);
    if (lane * kCount < dim) {
      const float2 turn = rotation[(first ? lane : partner) * kCount + i];
      x.v[i] = first ? x.v[i] * turn.x - other * turn.y : x.v[i] * turn.x + other * turn.y;
    }
  }
}

template <int kDim>
__device__ __forceinline__ const uint8_t* page_address(const AttentionArguments& a,
                                                       const AttentionItem& item, int page, int head) {
  const uint32_t id = a.pages[static_cast<size_t>(item.slot) * a.page_stride + page];
  return reinterpret_cast<const uint8_t*>(a.cache) +
         (static_cast<size_t>(id) * a.kv_heads + head) * kPageBytes<kDim>;
}

__device__ __forceinline__ AttentionItem load_item(const AttentionItem* items, int index) {
  AttentionItem item;
  const int4* from = reinterpret_cast<const int4*>(items + index);
  int4* to = reinterpret_cast<int4*>(&item);
#pragma unroll
  for (int i = 0; i < 3; ++i) to[i] = __ldcg(from + i);
  return item;
}

/// Running softmax of one row: maximum, sum.
struct Running {
  float maximum = -INFINITY, sum = 0;
};
/// Merges a chunk's maximum and sum; returns the factors of the old and the new weighted values.
__device__ __forceinline__ float2 merge(Running& r, float maximum, float sum) {
  const float top = fmaxf(r.maximum, maximum);
  const float2 factor = {exp2f(r.maximum - top), exp2f(maximum - top)};
  r.sum = __fmaf_rn(r.sum, factor.x, __fmul_rn(sum, factor.y));
  r.maximum = top;
  return factor;
}
__device__ __forceinline__ float merge_value(float old_value, float new_value, float2 factor) {
  return __fmaf_rn(old_value, factor.x, __fmul_rn(new_value, factor.y));
}


/// One query row of a tile, normed and rotated, to `to` (row `i` of the tile). One warp.
template <int kDim>
__device__ __forceinline__ void load_query(uint8_t* to, const AttentionArguments& a,
                                           const AttentionItem& item, int head, int i, int lane) {
  const int group = a.heads / a.kv_heads;
  const int token = (item.tile_row + i) / group, query_head = head * group + (item.tile_row + i) % group;
  Lane<kDim> x = load_lane<kDim>(
      a.projected + static_cast<size_t>(item.first_row + token) * a.projected_stride +
          query_head * a.head_dim,
      lane, a.head_dim);
  norm_and_rotate<kDim>(x, a.query_norm, a.eps,
                        a.rotation + static_cast<size_t>(item.first_position + token) * (a.head_dim / 2),
                        lane, a.head_dim);
  store_lane<kDim>(to + i * kDim * 2, i, lane, x);
}

/// One new key and its value into the chunk's stage and, if the item writes, into the cache. One warp.
template <int kDim>
__device__ __forceinline__ void append_key(uint8_t* stage, const AttentionArguments& a,
                                           const AttentionItem& item, int head, int position,
                                           Lane<kDim> k, const Lane<kDim>& v, int lane) {
  const int key = position % kChunk;
  norm_and_rotate<kDim>(k, a.key_norm, a.eps,
                        a.rotation + static_cast<size_t>(position) * (a.head_dim / 2), lane, a.head_dim);
  uint8_t* to = stage + key_offset<kDim>(key);
  store_lane<kDim>(to, key, lane, k);
  store_lane<kDim>(to + kValues<kDim>, key, lane, v);
  if (item.writes) {
    uint8_t* page = const_cast<uint8_t*>(page_address<kDim>(a, item, position / kPage, head)) +
                    key % kPage * kDim * 2;
    store_lane<kDim>(page, key, lane, k);
    store_lane<kDim>(page + kValues<kDim>, key, lane, v);
  }
}

/// Values past the last key are zero, since an unwritten one may be NaN. Warp `warp` of `warps`.
template <int kDim>
__device__ __forceinline__ void clear_values(uint8_t* stage, int valid, int warp, int warps, int lane) {
  for (int key = valid + warp; key < (valid + 31) / 32 * 32; key += warps) {
    store_lane<kDim>(stage + key_offset<kDim>(key) + kValues<kDim>, key, lane, Lane<kDim>{});
  }
}

/// Raw key and value of a new token.
template <int kDim>
__device__ __forceinline__ const Bf16* new_key(const AttentionArguments& a, const AttentionItem& item,
                                               int head, int position) {
  return a.projected +
         static_cast<size_t>(item.first_row + position - item.first_position) * a.projected_stride +
         (a.heads + head) * a.head_dim;
}

/// One chunk of a tile, by four warps: what every thread keeps.
template <int kDim>
struct ChunkResult {
  float top[2], sum[2];            ///< rows lane / 4 and lane / 4 + 8: maximum (base 2), sum of weights
  float value[kDim / 32][4];       ///< this warp's quarter of the columns
};

/// Scratch of compute_chunk.
struct ChunkScratch {
  uint8_t weight[16 * kChunk * 2];
  float maximum[kWarps][16], sum[kWarps][16];
};

/// Scores, weights and weighted values of one chunk. `sync` joins the four warps.
template <int kDim, typename Sync>
__device__ __forceinline__ ChunkResult<kDim> compute_chunk(ChunkScratch& s, const uint8_t* query,
                                                           const uint8_t* keys,
                                                           const AttentionArguments& a,
                                                           const AttentionItem& item, int chunk,
                                                           int rows, int warp, int lane, Sync sync) {
  constexpr int kTiles = kDim / 32;
  ChunkResult<kDim> r = {};
  const int group = a.heads / a.kv_heads;
  const int start = chunk * kChunk;
  const int valid = min(kChunk, item.first_position + item.rows - start);
  const float scale = 1.44269504F * rsqrtf(static_cast<float>(a.head_dim));
  // Scores: this warp's 16 keys.
  float score[2][4] = {};
#pragma unroll
  for (int block = 0; block < kDim / 32; ++block) {
    uint32_t q[2][4];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int row = lane % 16;
      load_matrices(q[i], query + row * kDim * 2 +
                              unit_offset<kDim>(row, block * 4 + i * 2 + lane / 16));
    }
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      const int key = warp * 16 + n * 8 + lane % 8;
      uint32_t k[4];
      load_matrices(k, keys + key_offset<kDim>(key) + unit_offset<kDim>(key, block * 4 + lane / 8));
      multiply_add(score[n], q[0], k[0], k[1]);
      multiply_add(score[n], q[1], k[2], k[3]);
    }
  }
  r.top[0] = r.top[1] = -INFINITY;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = min(lane / 4 + 8 * half, rows - 1);
    const int last_key = item.first_position + (item.tile_row + row) / group - start;
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        const int key = warp * 16 + n * 8 + 2 * (lane % 4) + c;
        float& x = score[n][2 * half + c];
        x = key <= last_key ? x * scale : -INFINITY;
        r.top[half] = fmaxf(r.top[half], x);
      }
    }
    r.top[half] = fmaxf(r.top[half], __shfl_xor_sync(0xFFFFFFFFU, r.top[half], 1));
    r.top[half] = fmaxf(r.top[half], __shfl_xor_sync(0xFFFFFFFFU, r.top[half], 2));
    if (lane % 4 == 0) s.maximum[warp][lane / 4 + 8 * half] = r.top[half];
  }
  sync();
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    r.top[half] = fmaxf(fmaxf(s.maximum[0][row], s.maximum[1][row]),
                      fmaxf(s.maximum[2][row], s.maximum[3][row]));
    const float base = r.top[half] == -INFINITY ? 0.0F : r.top[half];
    float sum = 0;
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      const float w0 = exp2f(score[n][2 * half] - base), w1 = exp2f(score[n][2 * half + 1] - base);
      sum += w0 + w1;
      *reinterpret_cast<uint32_t*>(s.weight + row * kChunk * 2 +
                                   unit_offset<kChunk>(row, warp * 2 + n) + lane % 4 * 4) =
          pack_bf16(w0, w1);
    }
    sum += __shfl_xor_sync(0xFFFFFFFFU, sum, 1);
    sum += __shfl_xor_sync(0xFFFFFFFFU, sum, 2);
    if (lane % 4 == 0) s.sum[warp][row] = sum;
  }
  sync();

  // Weighted values: this warp's quarter of the columns.
#pragma unroll
  for (int block = 0; block < kChunk / 32; ++block) {
    if (block * 32 >= valid) break;
    uint32_t w[2][4];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int row = lane % 16;
      load_matrices(w[i], s.weight + row * kChunk * 2 +
                              unit_offset<kChunk>(row, block * 4 + i * 2 + lane / 16));
    }
#pragma unroll
    for (int n = 0; n < kTiles; ++n) {
      const int key = block * 32 + lane;
      uint32_t v[4];
      load_matrices_transposed(v, keys + key_offset<kDim>(key) + kValues<kDim> +
                                      unit_offset<kDim>(key, warp * kTiles + n));
      multiply_add(r.value[n], w[0], v[0], v[1]);
      multiply_add(r.value[n], w[1], v[2], v[3]);
    }
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    r.sum[half] = s.sum[0][row] + s.sum[1][row] + s.sum[2][row] + s.sum[3][row];
  }
  return r;
}

/// Running result of a tile, as ChunkResult.
template <int kDim>
struct TileResult {
  Running running[2];
  float value[kDim / 32][4] = {};

  __device__ __forceinline__ void add(const ChunkResult<kDim>& r) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float2 factor = merge(running[half], r.top[half], r.sum[half]);
#pragma unroll
      for (int n = 0; n < kDim / 32; ++n) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          float& x = value[n][2 * half + c];
          x = merge_value(x, r.value[n][2 * half + c], factor);
        }
      }
    }
  }
};

/// Two neighbouring columns of one row of a tile.
__device__ __forceinline__ void store_out(const AttentionArguments& a, const AttentionItem& item,
                                          int head, int row, int column, float x0, float x1) {
  const int group = a.heads / a.kv_heads;
  const int flat = item.tile_row + row;
  const int k = (head * group + flat % group) * a.head_dim + column;
  if (column < a.head_dim) {
    *reinterpret_cast<uint32_t*>(
        a.out + activation_offset(item.first_row + flat / group, k, a.out_tile_rows, a.out_depth)) =
        pack_bf16(x0, x1);
  }
}

template <int kDim>
__device__ __forceinline__ void store_tile(const AttentionArguments& a, const AttentionItem& item,
                                           int head, int rows, const TileResult<kDim>& t, int warp,
                                           int lane) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    if (row >= rows) continue;
    const float sum = t.running[half].sum;
#pragma unroll
    for (int n = 0; n < kDim / 32; ++n) {
      store_out(a, item, head, row, (warp * (kDim / 32) + n) * 8 + 2 * (lane % 4),
                __fdiv_rn(t.value[n][2 * half], sum), __fdiv_rn(t.value[n][2 * half + 1], sum));
    }
  }
}

/// Entry of a row's chunk in the buffers of partial results.
__device__ __forceinline__ size_t partial_entry(const AttentionArguments& a, const AttentionItem& item,
                                                int head, int rows, int chunk, int row) {
  return (static_cast<size_t>(item.partial) + chunk * rows + row) * a.kv_heads + head;
}

template <int kDim>
__device__ __forceinline__ void store_partial(const AttentionArguments& a, const AttentionItem& item,
                                              int head, int rows, int chunk,
                                              const ChunkResult<kDim>& r, int warp, int lane) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    if (row >= rows) continue;
    const size_t at = partial_entry(a, item, head, rows, chunk, row);
    if (warp == 0 && lane % 4 == 0) a.partial_stats[at] = {r.top[half], r.sum[half]};
#pragma unroll
    for (int n = 0; n < kDim / 32; ++n) {
      *reinterpret_cast<float2*>(a.partial + at * kDim + (warp * (kDim / 32) + n) * 8 + 2 * (lane % 4)) =
          {r.value[n][2 * half], r.value[n][2 * half + 1]};
    }
  }
}

/// Merges all parts of a tile, `threads` threads from `thread`; two columns at a time.
template <int kDim>
__device__ __forceinline__ void merge_parts(const AttentionArguments& a, const AttentionItem& item,
                                            int head, int rows, int thread, int threads) {
  for (int pair = thread; pair < rows * (kDim / 2); pair += threads) {
    const int row = pair / (kDim / 2), column = pair % (kDim / 2) * 2;
    Running total;
    float x0 = 0, x1 = 0;
#pragma unroll 8
    for (int chunk = 0; chunk < item.chunks; ++chunk) {
      const size_t at = partial_entry(a, item, head, rows, chunk, row);
      const float2 stats = __ldcg(a.partial_stats + at);
      const float2 x = __ldcg(reinterpret_cast<const float2*>(a.partial + at * kDim + column));
      const float2 factor = merge(total, stats.x, stats.y);
      x0 = merge_value(x0, x.x, factor);
      x1 = merge_value(x1, x.y, factor);
    }
    store_out(a, item, head, row, column, __fdiv_rn(x0, total.sum), __fdiv_rn(x1, total.sum));
  }
}

/// The last item of its tile to come here gets true. One thread; all its block's parts are written.
__device__ __forceinline__ bool finish_item(const AttentionArguments& a, const AttentionItem& item,
                                            int head) {
  __threadfence();
  int* counter = a.counters + static_cast<size_t>(item.counter) * a.kv_heads + head;
  const bool last = atomicAdd(counter, 1) + 1 == item.items;
  if (last) *counter = 0;
  __threadfence();
  return last;
}

}  // namespace molgen3d::cuda::attention
