// The merge of chunk results, whose arithmetic is the same wherever it happens, and the way out.
#pragma once

#include "engine/cuda/attention_chunk.cuh"

namespace molgen3d::cuda::attention {

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

/// Running result of a tile, as ChunkResult.
template <typename L>
struct TileResult {
  Running running[2];
  float value[L::kDim / 32][4] = {};

  __device__ __forceinline__ void add(const ChunkResult<L>& r) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float2 factor = merge(running[half], r.top[half], r.sum[half]);
#pragma unroll
      for (int n = 0; n < L::kDim / 32; ++n) {
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

template <typename L>
__device__ __forceinline__ void store_tile(const AttentionArguments& a, const AttentionItem& item,
                                           int head, int rows, const TileResult<L>& t, int warp,
                                           int lane) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    if (row >= rows) continue;
    const float sum = t.running[half].sum;
#pragma unroll
    for (int n = 0; n < L::kDim / 32; ++n) {
      store_out(a, item, head, row, value_column<L>(n, warp, lane),
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

template <typename L>
__device__ __forceinline__ void store_partial(const AttentionArguments& a,
                                              const AttentionItem& item, int head, int rows,
                                              int chunk, const ChunkResult<L>& r, int warp,
                                              int lane) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    if (row >= rows) continue;
    const size_t at = partial_entry(a, item, head, rows, chunk, row);
    if (warp == 0 && lane % 4 == 0) a.partial_stats[at] = {r.top[half], r.sum[half]};
#pragma unroll
    for (int n = 0; n < L::kDim / 32; ++n) {
      *reinterpret_cast<float2*>(a.partial + at * L::kDim + value_column<L>(n, warp, lane)) = {
          r.value[n][2 * half], r.value[n][2 * half + 1]};
    }
  }
}

/// Merges all parts of a tile, `threads` threads from `thread`; two columns at a time.
template <typename L>
__device__ __forceinline__ void merge_parts(const AttentionArguments& a, const AttentionItem& item,
                                            int head, int rows, int thread, int threads) {
  for (int pair = thread; pair < rows * (L::kDim / 2); pair += threads) {
    const int row = pair / (L::kDim / 2), column = pair % (L::kDim / 2) * 2;
    Running total;
    float x0 = 0, x1 = 0;
#pragma unroll 8
    for (int chunk = 0; chunk < item.chunks; ++chunk) {
      const size_t at = partial_entry(a, item, head, rows, chunk, row);
      const float2 stats = __ldcg(a.partial_stats + at);
      const float2 x = __ldcg(reinterpret_cast<const float2*>(a.partial + at * L::kDim + column));
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
