// The merge of chunk results, whose arithmetic is the same wherever it happens, and the way out.
#pragma once

#include "engine/cuda/attention_chunk.cuh"

namespace molgen3d::cuda::attention {

/// The chunks of an item that the warps take at once: one each, or, when the tile was cut, one for
/// all, a page each.
struct Round {
  int begin, chunks;
  int last_pages;  ///< pages of the last chunk; the others have all
  bool cut;

  __device__ __forceinline__ static int chunks_of(const AttentionItem& item) {
    return item.items > 1 ? 1 : kWarps;
  }
  __device__ __forceinline__ Round(const AttentionItem& item, int first_chunk)
      : begin(first_chunk),
        chunks(min(chunks_of(item), item.chunk_end - first_chunk)),
        cut(item.items > 1) {
    const int keys = item.first_position + item.rows - (begin + chunks - 1) * kChunk;
    last_pages = min((keys + kPage - 1) / kPage, kPagesPerChunk);
  }
  /// Pages of a warp.
  __device__ __forceinline__ int pages(int warp) const {
    if (cut) return warp < last_pages ? 1 : 0;
    return warp + 1 < chunks ? kPagesPerChunk : warp + 1 == chunks ? last_pages : 0;
  }
  /// The first of them, counted from the sequence's first page.
  __device__ __forceinline__ int first_page(int warp) const {
    return cut ? begin * kPagesPerChunk + warp : (begin + warp) * kPagesPerChunk;
  }
  /// Parts that come of it.
  __device__ __forceinline__ int parts() const { return cut ? last_pages : chunks; }
};

/// The results of four parts of a tile, one a warp, in shared memory.
template <typename L>
struct RoundParts {
  static constexpr int kStride = L::kDim + 8;
  float value[kWarps][kTileRows][kStride];
  Running stats[kWarps][kTileRows];

  __device__ __forceinline__ void put(const PartResult<L>& r, int rows, int warp, int lane) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const int row = lane % 4 * 2 + j;
      if (row >= rows) break;
      if (lane / 4 == 0) stats[warp][row] = r.running[j];
#pragma unroll
      for (int n = 0; n < L::kDim / 16; ++n) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          value[warp][row][value_column<L>(n, h, lane)] = r.value[n][2 * h + j];
        }
      }
    }
  }
};

/// Running result of a tile in shared memory, where it costs no registers: two columns of every
/// kRowsAtOnce-th row belong to a thread, which alone reads and writes them.
template <typename L>
struct TileResult {
  static constexpr int kPairs = L::kDim / 2;
  static constexpr int kRowsAtOnce = kMultiplyThreads / kPairs;
  static constexpr int kRows = kTileRows / kRowsAtOnce;
  float2 value[kRows][kMultiplyThreads];
  Running running[kRows][kMultiplyThreads];

  /// `count` parts, in order; round 0 begins anew.
  __device__ __forceinline__ void add(const RoundParts<L>& parts, int round, int count, int rows,
                                      int thread) {
    const int column = thread % kPairs * 2;
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int row = i * kRowsAtOnce + thread / kPairs;
      if (row >= rows) break;
      Running total;
      float2 sum = {0, 0};
      if (round > 0) {
        total = running[i][thread];
        sum = value[i][thread];
      }
      for (int part = 0; part < count; ++part) {
        const Running stats = parts.stats[part][row];
        const float2 x = *reinterpret_cast<const float2*>(&parts.value[part][row][column]);
        const float2 factor = merge(total, stats.maximum, stats.sum);
        sum.x = merge_value(sum.x, x.x, factor);
        sum.y = merge_value(sum.y, x.y, factor);
      }
      running[i][thread] = total;
      value[i][thread] = sum;
    }
  }
};

/// Puts the parts of `count` warps and merges them. `sync` joins the threads.
template <typename L, typename Sync>
__device__ __forceinline__ void merge_round(RoundParts<L>& parts, TileResult<L>& tile,
                                            const PartResult<L>& r, int round, int count, int rows,
                                            int thread, Sync sync) {
  sync();  // what was there before has been merged
  if (thread / 32 < count) parts.put(r, rows, thread / 32, thread % 32);
  sync();
  tile.add(parts, round, count, rows, thread);
}

/// Where a column of one row of a tile goes.
__device__ __forceinline__ Bf16* out_place(const AttentionArguments& a, const AttentionItem& item,
                                           int head, int row, int column) {
  const int group = a.heads / a.kv_heads;
  const int flat = item.tile_row + row;
  const int k = (head * group + flat % group) * a.head_dim + column;
  return a.out + activation_offset(item.first_row + flat / group, k, a.out_tile_rows, a.out_depth);
}
/// Two neighbouring columns.
__device__ __forceinline__ void store_out(const AttentionArguments& a, const AttentionItem& item,
                                          int head, int row, int column, float x0, float x1) {
  if (column < a.head_dim) {
    *reinterpret_cast<uint32_t*>(out_place(a, item, head, row, column)) = pack_bf16(x0, x1);
  }
}

template <typename L>
__device__ __forceinline__ void store_tile(const AttentionArguments& a, const AttentionItem& item,
                                           int head, int rows, const TileResult<L>& t, int thread) {
#pragma unroll
  for (int i = 0; i < TileResult<L>::kRows; ++i) {
    const int row = i * TileResult<L>::kRowsAtOnce + thread / TileResult<L>::kPairs;
    if (row >= rows) break;
    const float sum = t.running[i][thread].sum;
    const float2 value = t.value[i][thread];
    store_out(a, item, head, row, thread % TileResult<L>::kPairs * 2, __fdiv_rn(value.x, sum),
              __fdiv_rn(value.y, sum));
  }
}

/// Entry of a row's chunk in the buffers of partial results.
__device__ __forceinline__ size_t partial_entry(const AttentionArguments& a,
                                                const AttentionItem& item, int head, int rows,
                                                int chunk, int row) {
  return (static_cast<size_t>(item.partial) + chunk * rows + row) * a.kv_heads + head;
}

/// A chunk of a tile that was cut, as merge_round() left it after round 0.
template <typename L>
__device__ __forceinline__ void store_chunk(const AttentionArguments& a, const AttentionItem& item,
                                            int head, int rows, int chunk, const TileResult<L>& t,
                                            int thread) {
#pragma unroll
  for (int i = 0; i < TileResult<L>::kRows; ++i) {
    const int row = i * TileResult<L>::kRowsAtOnce + thread / TileResult<L>::kPairs;
    if (row >= rows) break;
    const int column = thread % TileResult<L>::kPairs * 2;
    const size_t at = partial_entry(a, item, head, rows, chunk, row);
    const Running running = t.running[i][thread];
    if (column == 0) a.partial_stats[at] = {running.maximum, running.sum};
    *reinterpret_cast<float2*>(a.partial + at * L::kDim + column) = t.value[i][thread];
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

/// The warps' parts of a round: to the running result, or, as a chunk, to memory. `rounds` counts
/// those of the running result.
template <typename L, typename Sync>
__device__ __forceinline__ void finish_round(RoundParts<L>& parts, TileResult<L>& tile,
                                             const AttentionArguments& a, const AttentionItem& item,
                                             int head, int rows, const Round& round,
                                             const PartResult<L>& r, int& rounds, int thread,
                                             Sync sync) {
  if (round.cut) {
    merge_round(parts, tile, r, 0, round.parts(), rows, thread, sync);
    store_chunk<L>(a, item, head, rows, round.begin, tile, thread);
  } else {
    merge_round(parts, tile, r, rounds++, round.parts(), rows, thread, sync);
  }
}

/// The way out of an item; the last one of a tile that was cut merges all of it. `last`: a word of
/// shared memory.
template <typename L, typename Sync>
__device__ __forceinline__ void finish_tile(const TileResult<L>& tile, int& last,
                                            const AttentionArguments& a, const AttentionItem& item,
                                            int head, int rows, int thread, Sync sync) {
  if (item.items == 1) {
    store_tile<L>(a, item, head, rows, tile, thread);
    return;
  }
  sync();
  if (thread == 0) last = finish_item(a, item, head) ? 1 : 0;
  sync();
  if (last != 0) merge_parts<L>(a, item, head, rows, thread, kMultiplyThreads);
}

}  // namespace molgen3d::cuda::attention
