// Attention of new tokens over paged keys and values, for decode steps, forced runs and prompts
// alike. append.cu has put the new keys and values into the cache, or this kernel does
// (attention_append.cuh).
//
// A tile of 16 rows (query heads of one key-value head x new tokens) meets its keys in chunks of
// 64; each chunk's result is computed by itself and merged in order, so that the sums do not depend
// on how the chunks are spread over thread blocks (AttentionItem), on the batch, or on how many
// tokens a pass takes. Blocks are persistent: one warp keeps a ring of chunks filled through the
// copy engine (keys of earlier passes do not wait for the kernel before), four multiply. A tile
// that was cut is merged by the block that finishes its last part.
//
// Bytes: 4 x dim per key and key-value head (2 x dim + 8 in fp8; once per tile), 4 x dim per row
// for q and out, and 4 x dim + 8 written and read per row and chunk when a tile is cut (1/64 of the
// keys' bytes with two rows). Operations: 4 x 16 x dim per key; at two rows 13 % of what mma.sync
// can do in that time.
#include "engine/cuda/attention_ampere.h"
#include "engine/cuda/attention_append.cuh"

namespace molgen3d::cuda {
namespace {

using namespace attention;

#if __CUDA_ARCH__ >= 900

/// The items of this block, one after the other, each read ahead of its use.
struct Items {
  const AttentionArguments& a;
  int index, work;
  AttentionItem next;

  __device__ __forceinline__ explicit Items(const AttentionArguments& arguments)
      : a(arguments),
        index(static_cast<int>(blockIdx.x)),
        work(load_shared_word(arguments.item_count) * arguments.kv_heads) {
    if (index < work) next = load_item(a.items, index / a.kv_heads);
  }
  __device__ __forceinline__ bool take(AttentionItem& item, int& head) {
    if (index >= work) return false;
    item = next;
    head = index % a.kv_heads;
    index += static_cast<int>(gridDim.x);
    if (index < work) next = load_item(a.items, index / a.kv_heads);
    return true;
  }
};

/// Waits until a slot of a ring of `size` has been given back `use / size` times.
__device__ __forceinline__ void wait_until_free(uint64_t* barriers, int use, int size) {
  if (use >= size) barrier_wait(&barriers[use % size], (use / size + 1) & 1);
}

/// Keeps the ring full. Chunks that hold new keys wait for the kernel before, unless the new keys
/// come from here.
template <typename L, bool kAppend>
__device__ void fetch_chunks(Shared<L>& s, const AttentionArguments& a, int lane) {
  constexpr int kStages = Shared<L>::kStages;
  AttentionItem item;
  int head, count = 0;
  bool waited = false;
  for (Items items(a); items.take(item, head);) {
    for (int chunk = item.chunk_begin; chunk < item.chunk_end; ++chunk, ++count) {
      const int stage = count % kStages, start = chunk * kChunk;
      const int keys = min(item.first_position + item.rows - start, kChunk);
      const int pages = (keys + kPage - 1) / kPage;
      const uint8_t* from =
          lane < pages ? page_address<L>(a, item, chunk * kPagesPerChunk + lane, head) : nullptr;
      if (!waited && ((!kAppend && start + keys > item.first_position) || count >= kStages)) {
        wait_for_previous_kernel();
        let_next_kernel_start();
        waited = true;
      }
      wait_until_free(s.freed, count, kStages);
      if (kAppend) fence_async_proxy();  // the last chunk there may have been patched
      if (lane == 0) barrier_arrive_expect(&s.copied[stage], pages * L::kPageBytes);
      __syncwarp();
      if (lane < pages) {
        bulk_copy(s.stage[stage] + lane * L::kPageBytes, from, L::kPageBytes, &s.copied[stage]);
      }
    }
  }
  if (!waited) {
    wait_for_previous_kernel();
    let_next_kernel_start();
  }
}

template <typename L, bool kAppend>
__device__ void multiply(Shared<L>& s, const AttentionArguments& a, int warp, int lane) {
  const int group = a.heads / a.kv_heads;
  constexpr int kStages = Shared<L>::kStages;
  const auto sync = [] { asm volatile("bar.sync 1, %0;" ::"n"(kMultiplyThreads) : "memory"); };
  AttentionItem item;
  int head, count = 0;
  Items items(a);
  Appender<L> appender{s, a, group, warp, lane};
  if (kAppend && items.index < items.work) appender.warm(items.next);
  wait_for_previous_kernel();
  if (kAppend && items.index < items.work) {
    appender.load_ahead(items.next, items.index % a.kv_heads);
  }
  while (items.take(item, head)) {
    const int rows = min(16, item.rows * group - item.tile_row);
    Queries<L> queries;
    if constexpr (kAppend) {
      appender.prepare(item, head);
      if (items.index < items.work) {
        appender.load_ahead(items.next, items.index % a.kv_heads);
      }
      sync();
    } else {
      queries.load(a, item, head, rows, lane);
    }
    TileResult<L> tile;
    for (int chunk = item.chunk_begin; chunk < item.chunk_end; ++chunk, ++count) {
      const int stage = count % kStages;
      barrier_wait(&s.copied[stage], (count / kStages) & 1);
      if (kAppend && (chunk + 1) * kChunk > item.first_position) {
        appender.patch(s.stage[stage], item, head, chunk);
        sync();
      }
      // Again for every chunk: registers are scarcer than shared memory's time.
      if constexpr (kAppend) queries.load(s.query, lane);
      const ChunkResult<L> r = compute_chunk<L>(s.chunk, queries, s.stage[stage], a, item, chunk,
                                                rows, warp, lane, sync);
      barrier_arrive(&s.freed[stage]);
      if (item.items == 1) {
        tile.add(r);
      } else {
        store_partial<L>(a, item, head, rows, chunk, r, warp, lane);
      }
    }
    if (item.items == 1) {
      store_tile<L>(a, item, head, rows, tile, warp, lane);
      continue;
    }
    sync();
    if (threadIdx.x == 0) s.last = finish_item(a, item, head) ? 1 : 0;
    sync();
    if (s.last != 0) {
      merge_parts<L>(a, item, head, rows, static_cast<int>(threadIdx.x), kMultiplyThreads);
    }
  }
}

#endif

template <typename L, bool kAppend>
__global__ void __launch_bounds__(kThreads, kBlocksPerMultiprocessor)
    attention_kernel(const __grid_constant__ AttentionArguments a) {
#if __CUDA_ARCH__ >= 900
  extern __shared__ __align__(128) uint8_t shared_raw[];
  using Memory = Shared<L>;
  Memory& s = *reinterpret_cast<Memory*>(shared_raw);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  if (threadIdx.x == 0) {
    for (int i = 0; i < Memory::kStages; ++i) {
      barrier_init(&s.copied[i], 1);
      barrier_init(&s.freed[i], kMultiplyThreads);
    }
    barrier_init_fence();
  }
  __syncthreads();
  if (warp == kWarps) {
    fetch_chunks<L, kAppend>(s, a, lane);
  } else {
    multiply<L, kAppend>(s, a, warp, lane);
  }
#endif
}

/// Calls use(kernel, bytes of shared memory) with the kernel for a cache and a way of appending.
template <typename Use>
void with_kernel(int head_dim, bool fp8, bool append, Use use) {
  with_layout(head_dim, fp8, [&](auto layout) {
    using L = decltype(layout);
    use(append ? attention_kernel<L, true> : attention_kernel<L, false>, sizeof(Shared<L>));
  });
}

}  // namespace

int padded_head_dim(int head_dim, bool fp8) {
  if (head_dim <= 32 && !fp8) return 32;
  return head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 0;
}

size_t page_head_bytes(int head_dim, bool fp8) {
  size_t bytes = 0;
  with_layout(head_dim, fp8, [&](auto layout) { bytes = decltype(layout)::kPageBytes; });
  return bytes;
}

void attend(const Stream& stream, const AttentionArguments& a, int blocks) {
  if (!runs_hopper_code()) return attend_ampere(stream, a, blocks);
  with_kernel(a.head_dim, a.fp8, a.append, [&](auto kernel, size_t bytes) {
    launch(stream, "attention", kernel, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), bytes,
           a);
  });
}

bool attention_appends(int rows, int group) {
  return runs_hopper_code() && rows <= kNewRows && rows * group <= 16;
}

int attention_resident_blocks(int head_dim, bool fp8) {
  if (!runs_hopper_code()) return ampere_resident_blocks(head_dim);
  int device = 0, multiprocessors = 0, blocks = 0;
  check(cudaGetDevice(&device), "device");
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "device");
  with_kernel(head_dim, fp8, true, [&](auto kernel, size_t bytes) {
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, kThreads, bytes),
          "occupancy");
  });
  return blocks * multiprocessors;
}

void prepare_attention(int head_dim, bool fp8) {
  if (!runs_hopper_code()) return prepare_ampere_attention(head_dim);
  for (const bool append : {false, true}) {
    with_kernel(head_dim, fp8, append,
                [](auto kernel, size_t bytes) { allow_shared_memory(kernel, bytes); });
  }
}

}  // namespace molgen3d::cuda
