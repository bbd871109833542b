// Pieces of the attention kernels: one chunk of one tile, and the merge of chunk results, whose
// arithmetic is the same wherever it happens.
#pragma once

#include "engine/cuda/attention_layout.cuh"
#include "engine/cuda/gemm.h"
#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda::attention {

constexpr int kWarps = 4;  ///< that multiply

template <int kDim>
__device__ __forceinline__ const uint8_t* page_address(const AttentionArguments& a,
                                                       const AttentionItem& item, int page,
                                                       int head) {
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

/// The queries of a tile as operands of the matrix units, straight from memory; rows past `rows`
/// are zero.
template <int kDim>
struct Queries {
  uint32_t operand[kDim / 16][4];

  __device__ __forceinline__ void load(const AttentionArguments& a, const AttentionItem& item,
                                       int head, int rows, int lane) {
    const int group = a.heads / a.kv_heads;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = lane / 4 + 8 * half, flat = item.tile_row + row;
      const Bf16* from = a.projected +
                         static_cast<size_t>(item.first_row + flat / group) * a.projected_stride +
                         (head * group + flat % group) * a.head_dim;
#pragma unroll
      for (int i = 0; i < kDim / 16; ++i) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          const int k = i * 16 + c * 8 + lane % 4 * 2;
          uint32_t& x = operand[i][2 * c + half];
          x = 0;
          if (row < rows && k < a.head_dim) x = __ldcg(reinterpret_cast<const uint32_t*>(from + k));
        }
      }
    }
  }
};

/// One chunk of a tile, by four warps: what every thread keeps.
template <int kDim>
struct ChunkResult {
  float top[2], sum[2];       ///< rows lane / 4 and lane / 4 + 8: maximum (base 2), sum of weights
  float value[kDim / 32][4];  ///< this warp's quarter of the columns
};

/// Scratch of compute_chunk.
struct ChunkScratch {
  uint8_t weight[16 * kChunk * 2];
  float maximum[kWarps][16], sum[kWarps][16];
};

/// Scores, weights and weighted values of one chunk. `sync` joins the four warps.
template <int kDim, typename Sync>
__device__ __forceinline__ ChunkResult<kDim> compute_chunk(
    ChunkScratch& s, const Queries<kDim>& queries, const uint8_t* keys, const AttentionArguments& a,
    const AttentionItem& item, int chunk, int rows, int warp, int lane, Sync sync) {
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
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      const int key = warp * 16 + n * 8 + lane % 8;
      uint32_t k[4];
      load_matrices(k, keys + key_offset<kDim>(key) + unit_offset<kDim>(key, block * 4 + lane / 8));
      multiply_add(score[n], queries.operand[2 * block], k[0], k[1]);
      multiply_add(score[n], queries.operand[2 * block + 1], k[2], k[3]);
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

  // Weighted values: this warp's quarter of the columns, page by page; a page's values past the
  // last key are zero or old.
#pragma unroll
  for (int page = 0; page < kPagesPerChunk; ++page) {
    if (page * kPage >= valid) break;
    uint32_t w[4];
    const int row = lane % 16;
    load_matrices(w, s.weight + row * kChunk * 2 + unit_offset<kChunk>(row, page * 2 + lane / 16));
    const int key = page * kPage + lane % 16;
    const uint8_t* values = keys + key_offset<kDim>(key) + kValues<kDim>;
#pragma unroll
    for (int n = 0; n < kTiles; n += 2) {
      // Matrices: keys 0-7 and 8-15 of two column tiles (of one, twice, when a warp owns only one).
      const int column = warp * kTiles + (kTiles > 1 ? n + lane / 16 : 0);
      uint32_t v[4];
      load_matrices_transposed(v, values + unit_offset<kDim>(key, column));
      multiply_add(r.value[n], w, v[0], v[1]);
      if (kTiles > 1) multiply_add(r.value[n + (kTiles > 1 ? 1 : 0)], w, v[2], v[3]);
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
__device__ __forceinline__ size_t partial_entry(const AttentionArguments& a,
                                                const AttentionItem& item, int head, int rows,
                                                int chunk, int row) {
  return (static_cast<size_t>(item.partial) + chunk * rows + row) * a.kv_heads + head;
}

template <int kDim>
__device__ __forceinline__ void store_partial(const AttentionArguments& a,
                                              const AttentionItem& item, int head, int rows,
                                              int chunk, const ChunkResult<kDim>& r, int warp,
                                              int lane) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    if (row >= rows) continue;
    const size_t at = partial_entry(a, item, head, rows, chunk, row);
    if (warp == 0 && lane % 4 == 0) a.partial_stats[at] = {r.top[half], r.sum[half]};
#pragma unroll
    for (int n = 0; n < kDim / 32; ++n) {
      *reinterpret_cast<float2*>(a.partial + at * kDim + (warp * (kDim / 32) + n) * 8 +
                                 2 * (lane % 4)) = {r.value[n][2 * half], r.value[n][2 * half + 1]};
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
