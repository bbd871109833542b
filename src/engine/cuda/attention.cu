// Attention of new tokens over paged keys and values, for decode steps, forced runs and prompts
// alike. append.cu has put the new keys and values into the cache.
//
// A tile of 8 rows (query heads of one key-value head x new tokens) meets its keys in chunks of
// 64; each chunk's result is computed by itself and merged in order, so that the sums do not depend
// on how the chunks are spread over thread blocks (AttentionItem), on the batch, or on how many
// tokens a pass takes. Blocks are persistent. Four warps multiply, each a chunk of its own, page by
// page: they meet once in four chunks, and none waits for another's products. Tiles are cut when
// few sequences run; then time counts, and each warp takes one page of the same chunk. One warp
// keeps a ring of pages filled through the copy engine (keys of earlier passes do not wait for the
// kernel before). A tile that was cut is merged by the block that finishes its last part.
//
// Bytes: 4 x dim per key and key-value head (2 x dim + 8 in fp8; once per tile), 4 x dim per row
// for q and out, and 4 x dim + 8 written and read per row and chunk when a tile is cut (1/64 of the
// keys' bytes with two rows). Operations: 4 x 8 x dim per key.
#include "engine/cuda/attention_ampere.h"
#include "engine/cuda/attention_parts.cuh"

namespace molgen3d::cuda {
namespace {

using namespace attention;

constexpr int kThreads = kMultiplyThreads + 32;
constexpr int kBlocksPerMultiprocessor = 2;

template <typename L>
struct Shared {
  static constexpr int kSlots = kWarps * (L::kFp8 ? 4 : 2);  ///< pages in flight or in use
  uint8_t ring[kSlots][L::kPageBytes];
  RoundParts<L> parts;
  TileResult<L> tile;
  QueryRows<L> query;
  uint64_t copied[kSlots], freed[kSlots];
  int last;
};

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

/// Where the page stands that a warp takes as its `use`-th: every warp has a ring of its own, so
/// that the parity of a barrier tells it all it must know.
template <typename L>
struct Place {
  static constexpr int kRing = Shared<L>::kSlots / kWarps;
  int slot, fill;
  __device__ __forceinline__ Place(int warp, int use)
      : slot(warp * kRing + use % kRing), fill(use / kRing) {}
};

/// Keeps the rings full, each warp's next page in turn. Pages that hold new keys wait for the
/// kernel before.
template <typename L>
__device__ void fetch_pages(Shared<L>& s, const AttentionArguments& a, int lane) {
  static_assert(kWarps * kPagesPerChunk <= 32);
  const int warp = lane % kWarps, turn = lane / kWarps;  // each lane looks one page up
  AttentionItem item;
  int head, used = 0;  // pages of `warp` before this round
  bool waited = false;
  for (Items items(a); items.take(item, head);) {
    for (int begin = item.chunk_begin; begin < item.chunk_end; begin += Round::chunks_of(item)) {
      const Round round(item, begin);
      const bool mine = turn < round.pages(warp);
      const int page = round.first_page(warp) + turn;
      const uint8_t* from = mine ? page_address<L>(a, item, page, head) : nullptr;
      const Place<L> place(warp, used + turn);
      used += round.pages(warp);
      const bool must_wait = mine && (place.fill > 0 || (page + 1) * kPage > item.first_position);
      uint32_t left = __ballot_sync(0xFFFFFFFFU, mine);
      const uint32_t waiting = __ballot_sync(0xFFFFFFFFU, must_wait);
      for (; left != 0; left &= left - 1) {
        const int source = __ffs(static_cast<int>(left)) - 1;
        if (!waited && (waiting >> source & 1) != 0) {
          wait_for_previous_kernel();
          let_next_kernel_start();
          waited = true;
        }
        if (lane == source) {
          if (place.fill > 0) barrier_wait(&s.freed[place.slot], (place.fill - 1) & 1);
          barrier_arrive_expect(&s.copied[place.slot], L::kPageBytes);
          bulk_copy_once(s.ring[place.slot], from, L::kPageBytes, &s.copied[place.slot]);
        }
        __syncwarp();
      }
    }
  }
  if (!waited) {
    wait_for_previous_kernel();
    let_next_kernel_start();
  }
}

template <typename L>
__device__ void multiply(Shared<L>& s, const AttentionArguments& a, int warp, int lane) {
  const int group = a.heads / a.kv_heads;
  const int thread = static_cast<int>(threadIdx.x);
  const auto sync = [] { asm volatile("bar.sync 1, %0;" ::"n"(kMultiplyThreads) : "memory"); };
  AttentionItem item;
  int head, used = 0;  // pages of this warp
  Items items(a);
  QueryLoader<L> loader{a, thread};
  s.query.clear(thread);
  sync();
  wait_for_previous_kernel();
  if (items.index < items.work) loader.load_ahead(items.next, items.index % a.kv_heads);
  while (items.take(item, head)) {
    const int rows = min(kTileRows, item.rows * group - item.tile_row);
    loader.put(s.query, item, head, rows);
    if (items.index < items.work) loader.load_ahead(items.next, items.index % a.kv_heads);
    sync();
    Queries<L> queries;
    queries.load(s.query, lane);
    const TileRows tile_rows(a, item, rows, lane);
    int rounds = 0;
    for (int begin = item.chunk_begin; begin < item.chunk_end; begin += Round::chunks_of(item)) {
      const Round round(item, begin);
      PartResult<L> r;
      const int first = round.first_page(warp), end = first + round.pages(warp);
      for (int page = first; page < end; ++page, ++used) {
        const Place<L> place(warp, used);
        barrier_wait(&s.copied[place.slot], place.fill & 1);
        add_page<L>(r, queries, s.ring[place.slot], tile_rows, page * kPage, lane);
        barrier_arrive(&s.freed[place.slot]);
      }
      finish_round(s.parts, s.tile, a, item, head, rows, round, r, rounds, thread, sync);
    }
    finish_tile(s.tile, s.last, a, item, head, rows, thread, sync);
  }
}

#endif

template <typename L>
__global__ void __launch_bounds__(kThreads, kBlocksPerMultiprocessor)
    attention_kernel(const __grid_constant__ AttentionArguments a) {
#if __CUDA_ARCH__ >= 900
  extern __shared__ __align__(128) uint8_t shared_raw[];
  using Memory = Shared<L>;
  Memory& s = *reinterpret_cast<Memory*>(shared_raw);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  if (threadIdx.x == 0) {
    for (int i = 0; i < Memory::kSlots; ++i) {
      barrier_init(&s.copied[i], 1);
      barrier_init(&s.freed[i], 32);  // each lane for itself
    }
    barrier_init_fence();
  }
  __syncthreads();
  if (warp == kWarps) {
    fetch_pages<L>(s, a, lane);
  } else {
    multiply<L>(s, a, warp, lane);
  }
#endif
}

/// Calls use(kernel, bytes of shared memory) with the kernel for a cache.
template <typename Use>
void with_kernel(int head_dim, bool fp8, Use use) {
  with_layout(head_dim, fp8, [&](auto layout) {
    using L = decltype(layout);
    use(attention_kernel<L>, sizeof(Shared<L>));
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
  with_kernel(a.head_dim, a.fp8, [&](auto kernel, size_t bytes) {
    launch(stream, "attention", kernel, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), bytes,
           a);
  });
}

int attention_resident_blocks(int head_dim, bool fp8) {
  if (!runs_hopper_code()) return ampere_resident_blocks(head_dim);
  int device = 0, multiprocessors = 0, blocks = 0;
  check(cudaGetDevice(&device), "device");
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "device");
  with_kernel(head_dim, fp8, [&](auto kernel, size_t bytes) {
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, kThreads, bytes),
          "occupancy");
  });
  return blocks * multiprocessors;
}

void prepare_attention(int head_dim, bool fp8) {
  if (!runs_hopper_code()) return prepare_ampere_attention(head_dim);
  with_kernel(head_dim, fp8, [](auto kernel, size_t bytes) { allow_shared_memory(kernel, bytes); });
}

}  // namespace molgen3d::cuda
