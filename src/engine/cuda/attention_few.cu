// Attention when few sequences run: norms, rotation, append and attention of a decoding step in
// one kernel. What append.cu and attention.cu compute, bit for bit.
//
// Few sequences leave the chip idle, so latencies count and not bytes: one kernel less, and no tile
// is cut, since a merge through the second-level cache takes longer than the keys. A thread block
// of eight warps takes a tile, each warp a chunk of 64 keys. A warp's ring takes three quarters of
// a chunk of the largest heads, so that 384 keys are on their way before the kernel before has
// ended. Results of chunks are merged in order, from the pages' place in the rings to registers.
//
// Bytes: 4 x dim per key and key-value head (2 x dim + 8 in fp8), 2 x dim per row and head for
// queries, new keys and values, 2 x dim per row for out. Operations: 4 x 8 x dim per key.
#include "engine/cuda/attention_new_rows.cuh"

namespace molgen3d::cuda {
namespace {

using namespace attention;

constexpr int kFewWarps = 8;  ///< that multiply, a chunk each
constexpr int kFewThreads = kFewWarps * 32;

template <typename L>
struct Shared {
  static constexpr int kRing = L::kPageBytes > 4608 ? 3 : 4;  ///< pages of one warp
  uint8_t ring[kFewWarps][kRing][L::kPageBytes];
  FreshRows<L> fresh;
  Running stats[kFewWarps][kTileRows];  ///< of the chunks just done
  int part[kFewWarps];                  ///< page of each ring that holds the chunk's values
  uint64_t copied[kFewWarps][kRing], freed[kFewWarps][kRing];
};

#if __CUDA_ARCH__ >= 900

/// What a block works on: a tile and a key-value head.
struct Work {
  AttentionItem item;
  int head;
  int pages;  ///< of the sequence, new tokens included

  __device__ __forceinline__ Work(const AttentionArguments& a, int index)
      : item(load_item(a.items, index / a.kv_heads)),
        head(index % a.kv_heads),
        pages((item.first_position + item.rows + kPage - 1) / kPage) {}
  /// Pages of a chunk; none when the tile does not have it.
  __device__ __forceinline__ int pages_of(int chunk) const {
    if (chunk >= item.chunks) return 0;
    return min(pages - chunk * kPagesPerChunk, kPagesPerChunk);
  }
};

/// Keeps the rings full. New keys come from elsewhere, so nothing here depends on the kernel
/// before.
template <typename L>
__device__ void fetch_pages(Shared<L>& s, const AttentionArguments& a, const Work& work, int lane) {
  static_assert(kFewWarps * kPagesPerChunk == 32);
  constexpr int kRing = Shared<L>::kRing;
  const int warp = lane % kFewWarps, turn = lane / kFewWarps;
  int used = 0;  // pages of `warp` so far
  bool waited = false;
  const auto meet_previous = [&] {
    if (!waited) meet_previous_kernel(a.early_start);
    waited = true;
  };
  for (int begin = 0; begin < work.item.chunks; begin += kFewWarps) {
    const int count = work.pages_of(begin + warp), use = used + turn;
    used += count;
    const bool mine = turn < count;
    const uint8_t* from =
        mine ? page_address<L>(a, work.item, (begin + warp) * kPagesPerChunk + turn, work.head)
             : nullptr;
    const int slot = use % kRing, fill = use / kRing;
    const auto copy = [&] {
      barrier_arrive_expect(&s.copied[warp][slot], L::kPageBytes);
      bulk_copy_once(s.ring[warp][slot], from, L::kPageBytes, &s.copied[warp][slot]);
    };
    if (mine && fill == 0) copy();
    if (__any_sync(0xFFFFFFFFU, mine && fill > 0)) meet_previous();
    // A warp frees its pages in order: the lanes of one turn wait side by side.
    for (int t = 0; t < kPagesPerChunk; ++t) {
      if (turn == t && mine && fill > 0) {
        barrier_wait(&s.freed[warp][slot], (fill - 1) & 1);
        copy();
      }
      __syncwarp();
    }
  }
  meet_previous();
}

/// A chunk's result in the place of a page, rows of kDim; groups of eight columns change places
/// from row pair to row pair, which keeps banks apart.
template <typename L>
struct ChunkInPage {
  __device__ __forceinline__ static int at(int row, int column) {
    return row * L::kDim + (column ^ (row / 2 * 8 % L::kDim));
  }
  __device__ __forceinline__ static void put(float* page, const PartResult<L>& r, int rows,
                                             int lane) {
    static_assert(kTileRows * L::kDim * 4 <= L::kPageBytes);
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const int row = lane % 4 * 2 + j;
      if (row >= rows) break;
#pragma unroll
      for (int n = 0; n < L::kDim / 16; ++n) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          page[at(row, value_column<L>(n, h, lane))] = r.value[n][2 * h + j];
        }
      }
    }
  }
};

/// Two columns of some rows of a tile, a thread.
template <typename L>
struct TileColumns {
  static constexpr int kPairs = L::kDim / 2;
  static constexpr int kRowsAtOnce = kFewThreads / kPairs;
  static constexpr int kCount = (kTileRows + kRowsAtOnce - 1) / kRowsAtOnce;
  int first_row, column;
  Running running[kCount] = {};
  float2 sum[kCount] = {};
  uint32_t* out[kCount] = {};  ///< null: nothing of this thread's

  __device__ __forceinline__ TileColumns(const AttentionArguments& a, const Work& work, int rows,
                                         int thread)
      : first_row(thread / kPairs), column(thread % kPairs * 2) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (row(i) >= rows || column >= a.head_dim) continue;
      out[i] = reinterpret_cast<uint32_t*>(out_place(a, work.item, work.head, row(i), column));
    }
  }
  __device__ __forceinline__ int row(int i) const {
    return i * kRowsAtOnce + first_row;
  }

  /// The first `count` warps' chunks, in order. All are read and weighed before the first is added.
  __device__ __forceinline__ void merge_chunks(const Shared<L>& s, int count) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (out[i] == nullptr) continue;
      Running total[kFewWarps + 1] = {running[i]};
      float2 x[kFewWarps], factor[kFewWarps];
#pragma unroll
      for (int part = 0; part < kFewWarps; ++part) {
        const float* values = reinterpret_cast<const float*>(s.ring[part][s.part[part]]);
        x[part] = *reinterpret_cast<const float2*>(values + ChunkInPage<L>::at(row(i), column));
        const Running stats = s.stats[part][row(i)];
        total[part + 1] = total[part];
        factor[part] = merge(total[part + 1], stats.maximum, stats.sum);
      }
#pragma unroll
      for (int part = 0; part < kFewWarps; ++part) {
        // What is there of chunks that the tile does not have may be anything.
        if (part >= count) break;
        sum[i].x = merge_value(sum[i].x, x[part].x, factor[part]);
        sum[i].y = merge_value(sum[i].y, x[part].y, factor[part]);
        running[i] = total[part + 1];
      }
    }
  }
  __device__ __forceinline__ void store() const {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (out[i] == nullptr) continue;
      *out[i] = pack_bf16(__fdiv_rn(sum[i].x, running[i].sum), __fdiv_rn(sum[i].y, running[i].sum));
    }
  }
};

template <typename L>
struct Multiplier {
  static constexpr int kRing = Shared<L>::kRing;
  Shared<L>& s;
  const AttentionArguments& a;
  int warp, lane;
  int used = 0;  ///< pages of this warp so far

  __device__ __forceinline__ static void sync() {
    asm volatile("bar.sync 1, %0;" ::"n"(kFewThreads) : "memory");
  }
  __device__ __forceinline__ void release(int slot) const { barrier_arrive(&s.freed[warp][slot]); }

  /// A chunk; its result takes the place of its last page.
  __device__ __forceinline__ void multiply_chunk(const Work& work, const NewRows<L>& fresh,
                                                 const Queries<L>& queries, const TileRows& rows,
                                                 int chunk) {
    const int begin = chunk * kPagesPerChunk, end = begin + work.pages_of(chunk);
    if (begin >= end) return;
    PartResult<L> r;
    for (int page = begin; page < end; ++page, ++used) {
      const int slot = used % kRing, first = page * kPage;
      uint8_t* at = s.ring[warp][slot];
      barrier_wait(&s.copied[warp][slot], used / kRing & 1);
      if (first + kPage > work.item.first_position) fresh.patch(at, first);
      add_page<L>(r, queries, at, rows, first, lane);
      if (page + 1 < end) release(slot);
    }
    const int slot = (used - 1) % kRing;
    __syncwarp();
    ChunkInPage<L>::put(reinterpret_cast<float*>(s.ring[warp][slot]), r, fresh.queries, lane);
    if (lane / 4 == 0) {
#pragma unroll
      for (int j = 0; j < 2; ++j) s.stats[warp][lane % 4 * 2 + j] = r.running[j];
    }
    if (lane == 0) s.part[warp] = slot;
  }

  __device__ __forceinline__ void run(const Work& work) {
    const NewRows<L> fresh(s.fresh, a, work.item, work.head, lane);
    const TileRows tile_rows(a, work.item, fresh.queries, lane);
    TileColumns<L> columns(a, work, fresh.queries, static_cast<int>(threadIdx.x));
    if (lane == 0) s.part[warp] = 0;
    for (int task = warp; task == warp || task < fresh.count(); task += kFewWarps) {
      typename NewRows<L>::Row row;
      const bool present = task < fresh.count();
      if (present) row = fresh.find(task);
      if (task == warp) wait_for_previous_kernel();
      if (present) fresh.finish(row);
    }
    sync();
    Queries<L> queries;
    queries.load(s.fresh.query, lane);
    for (int begin = 0; begin < work.item.chunks; begin += kFewWarps) {
      multiply_chunk(work, fresh, queries, tile_rows, begin + warp);
      sync();
      columns.merge_chunks(s, min(work.item.chunks - begin, kFewWarps));
      if (begin + kFewWarps >= work.item.chunks) break;
      copy_fence();  // this thread wrote where the copy engine will
      sync();
      release(s.part[warp]);  // only the last round has warps without a chunk
    }
    columns.store();
  }
};

#endif

template <typename L>
__global__ void __launch_bounds__(kFewThreads + 32, 1)
    attention_few_kernel(const __grid_constant__ AttentionArguments a) {
#if __CUDA_ARCH__ >= 900
  extern __shared__ __align__(128) uint8_t shared_raw[];
  using Memory = Shared<L>;
  Memory& s = *reinterpret_cast<Memory*>(shared_raw);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  if (warp == kFewWarps && lane < kFewWarps) {
    for (int i = 0; i < Memory::kRing; ++i) {
      barrier_init(&s.copied[lane][i], 1);
      barrier_init(&s.freed[lane][i], 32);  // each lane for itself
    }
    barrier_init_fence();
  }
  __syncthreads();
  const int index = static_cast<int>(blockIdx.x);
  if (index >= load_shared_word(a.item_count) * a.kv_heads) {
    wait_for_previous_kernel();
    return;
  }
  const Work work(a, index);
  if (warp == kFewWarps) {
    fetch_pages<L>(s, a, work, lane);
  } else {
    Multiplier<L>{s, a, warp, lane}.run(work);
  }
#endif
}

}  // namespace

void append_and_attend(const Stream& stream, const AttentionArguments& a, int max_tiles) {
  with_layout(a.head_dim, a.fp8, [&](auto layout) {
    using L = decltype(layout);
    launch(stream, "attention", attention_few_kernel<L>,
           dim3(static_cast<unsigned>(max_tiles * a.kv_heads)), dim3(kFewThreads + 32),
           sizeof(Shared<L>), a);
  });
}

void prepare_append_and_attend(int head_dim, bool fp8) {
  if (!runs_hopper_code()) return;
  with_layout(head_dim, fp8, [](auto layout) {
    using L = decltype(layout);
    allow_shared_memory(attention_few_kernel<L>, sizeof(Shared<L>));
  });
}

}  // namespace molgen3d::cuda
