// Attention of new tokens over paged keys and values, for decode steps, forced runs and prompts
// alike; append.cu has put the new keys and values into the cache.
//
// A tile of 16 rows (query heads of one key-value head x new tokens) meets its keys in chunks of
// 64; each chunk's result is computed by itself and merged in order, so that the sums do not depend
// on how the chunks are spread over thread blocks (AttentionItem), on the batch, or on how many
// tokens a pass takes. Blocks are persistent: one warp keeps a ring of chunks filled through the
// copy engine (keys of earlier passes do not wait for the kernel before), four multiply. A tile
// that was cut is merged by the block that finishes its last part.
//
// Bytes: 4 x dim per key and key-value head (once per tile), 4 x dim per row for q and out, and
// 4 x dim + 8 written and read per row and chunk when a tile is cut (1/64 of the keys' bytes with
// two rows). Operations: 4 x 16 x dim per key; at two rows 13 % of what mma.sync can do in that
// time.
#include "engine/cuda/attention_ampere.h"
#include "engine/cuda/attention_parts.cuh"

namespace molgen3d::cuda {
namespace {

using namespace attention;

constexpr int kMultiplyThreads = kWarps * 32;
constexpr int kThreads = kMultiplyThreads + 32;
constexpr int kStages = 3;

template <int kDim>
struct Shared {
  uint8_t stage[kStages][kStageBytes<kDim>];
  ChunkScratch chunk;
  uint64_t copied[kStages], freed[kStages];
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

/// Waits until a slot of a ring of `size` has been given back `use / size` times.
__device__ __forceinline__ void wait_until_free(uint64_t* barriers, int use, int size) {
  if (use >= size) barrier_wait(&barriers[use % size], (use / size + 1) & 1);
}

/// Keeps the ring full. Chunks that hold new keys wait for the kernel before.
template <int kDim>
__device__ void fetch_chunks(Shared<kDim>& s, const AttentionArguments& a, int lane) {
  AttentionItem item;
  int head, count = 0;
  bool waited = false;
  for (Items items(a); items.take(item, head);) {
    for (int chunk = item.chunk_begin; chunk < item.chunk_end; ++chunk, ++count) {
      const int stage = count % kStages, start = chunk * kChunk;
      const int keys = min(item.first_position + item.rows - start, kChunk);
      const int pages = (keys + kPage - 1) / kPage;
      const uint8_t* from =
          lane < pages ? page_address<kDim>(a, item, chunk * kPagesPerChunk + lane, head) : nullptr;
      if (!waited && (start + keys > item.first_position || count >= kStages)) {
        wait_for_previous_kernel();
        let_next_kernel_start();
        waited = true;
      }
      wait_until_free(s.freed, count, kStages);
      if (lane == 0) barrier_arrive_expect(&s.copied[stage], pages * kPageBytes<kDim>);
      __syncwarp();
      if (lane < pages) {
        bulk_copy(s.stage[stage] + lane * kPageBytes<kDim>, from, kPageBytes<kDim>,
                  &s.copied[stage]);
      }
    }
  }
  if (!waited) {
    wait_for_previous_kernel();
    let_next_kernel_start();
  }
}

template <int kDim>
__device__ void multiply(Shared<kDim>& s, const AttentionArguments& a, int warp, int lane) {
  const int group = a.heads / a.kv_heads;
  const auto sync = [] { asm volatile("bar.sync 1, %0;" ::"n"(kMultiplyThreads) : "memory"); };
  AttentionItem item;
  int head, count = 0;
  Items items(a);
  wait_for_previous_kernel();
  while (items.take(item, head)) {
    const int rows = min(16, item.rows * group - item.tile_row);
    Queries<kDim> queries;
    queries.load(a, item, head, rows, lane);
    TileResult<kDim> tile;
    for (int chunk = item.chunk_begin; chunk < item.chunk_end; ++chunk, ++count) {
      const int stage = count % kStages;
      barrier_wait(&s.copied[stage], (count / kStages) & 1);
      const ChunkResult<kDim> r = compute_chunk<kDim>(s.chunk, queries, s.stage[stage], a, item,
                                                      chunk, rows, warp, lane, sync);
      barrier_arrive(&s.freed[stage]);
      if (item.items == 1) {
        tile.add(r);
      } else {
        store_partial<kDim>(a, item, head, rows, chunk, r, warp, lane);
      }
    }
    if (item.items == 1) {
      store_tile<kDim>(a, item, head, rows, tile, warp, lane);
      continue;
    }
    sync();
    if (threadIdx.x == 0) s.last = finish_item(a, item, head) ? 1 : 0;
    sync();
    if (s.last != 0) {
      merge_parts<kDim>(a, item, head, rows, static_cast<int>(threadIdx.x), kMultiplyThreads);
    }
  }
}

#endif

template <int kDim>
__global__ void __launch_bounds__(kThreads, 2)
    attention_kernel(const __grid_constant__ AttentionArguments a) {
#if __CUDA_ARCH__ >= 900
  extern __shared__ __align__(128) uint8_t shared_raw[];
  Shared<kDim>& s = *reinterpret_cast<Shared<kDim>*>(shared_raw);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  if (threadIdx.x == 0) {
    for (int i = 0; i < kStages; ++i) {
      barrier_init(&s.copied[i], 1);
      barrier_init(&s.freed[i], kMultiplyThreads);
    }
    barrier_init_fence();
  }
  __syncthreads();
  if (warp == kWarps) {
    fetch_chunks<kDim>(s, a, lane);
  } else {
    multiply<kDim>(s, a, warp, lane);
  }
#endif
}

bool has_copy_engine() {
  int device = 0, major = 0;
  check(cudaGetDevice(&device), "device");
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "device");
  // Code for the device itself, not for an older one.
  cudaFuncAttributes attributes;
  check(cudaFuncGetAttributes(&attributes, attention_kernel<128>), "attention");
  return major >= 9 && attributes.binaryVersion >= 90 && attributes.ptxVersion >= 90;
}

template <int kDim>
int resident_blocks() {
  int device = 0, multiprocessors = 0, blocks = 0;
  check(cudaGetDevice(&device), "device");
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "device");
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, attention_kernel<kDim>, kThreads,
                                                      sizeof(Shared<kDim>)),
        "occupancy");
  return blocks * multiprocessors;
}

}  // namespace

int padded_head_dim(int head_dim) {
  return head_dim <= 32 ? 32 : head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 0;
}

void attend(const Stream& stream, const AttentionArguments& a, int blocks) {
  static const bool hopper = has_copy_engine();
  if (!hopper) return attend_ampere(stream, a, blocks);
  const auto go = [&](auto kernel, size_t bytes) {
    launch(stream, "attention", kernel, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), bytes,
           a);
  };
  switch (padded_head_dim(a.head_dim)) {
    case 32:
      return go(attention_kernel<32>, sizeof(Shared<32>));
    case 64:
      return go(attention_kernel<64>, sizeof(Shared<64>));
    default:
      return go(attention_kernel<128>, sizeof(Shared<128>));
  }
}

int attention_resident_blocks(int head_dim) {
  if (!has_copy_engine()) return ampere_resident_blocks(head_dim);
  switch (padded_head_dim(head_dim)) {
    case 32:
      return resident_blocks<32>();
    case 64:
      return resident_blocks<64>();
    default:
      return resident_blocks<128>();
  }
}

void prepare_attention() {
  if (!has_copy_engine()) return prepare_ampere_attention();
  allow_shared_memory(attention_kernel<32>, sizeof(Shared<32>));
  allow_shared_memory(attention_kernel<64>, sizeof(Shared<64>));
  allow_shared_memory(attention_kernel<128>, sizeof(Shared<128>));
}

}  // namespace molgen3d::cuda
