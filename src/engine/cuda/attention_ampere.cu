// The attention of attention.cu for devices without a copy engine: the same chunks, the same sums,
// but warps that copy their pages themselves, one ahead.
#include "engine/cuda/attention_ampere.h"

#include "engine/cuda/attention_parts.cuh"

namespace molgen3d::cuda {
namespace {

using namespace attention;

template <typename L>
struct Shared {
  uint8_t page[kWarps][2][L::kPageBytes];
  QueryRows<L> query;
  RoundParts<L> parts;
  TileResult<L> tile;
  int last;
};

template <typename L>
__device__ __forceinline__ void copy_page(uint8_t* to, const uint8_t* from, int lane) {
  for (int i = lane; i < L::kPageBytes / 16; i += 32) copy_16_async(to + i * 16, from + i * 16);
  copy_async_commit();
}

/// Pages [first, end) of a sequence by one warp.
template <typename L>
__device__ __forceinline__ PartResult<L> part_result(uint8_t (&ring)[2][L::kPageBytes],
                                                     const Queries<L>& queries,
                                                     const AttentionArguments& a,
                                                     const AttentionItem& item, int head, int first,
                                                     int end, const TileRows& tile, int lane) {
  PartResult<L> r;
  if (first >= end) return r;
  copy_page<L>(ring[0], page_address<L>(a, item, first, head), lane);
  for (int page = first; page < end; ++page) {
    const int turn = page - first;
    if (page + 1 < end) {
      copy_page<L>(ring[(turn + 1) % 2], page_address<L>(a, item, page + 1, head), lane);
      copy_async_wait<1>();
    } else {
      copy_async_wait<0>();
    }
    __syncwarp();
    add_page<L>(r, queries, ring[turn % 2], tile, page * kPage, lane);
    __syncwarp();
  }
  return r;
}

template <typename L>
__global__ void __launch_bounds__(kMultiplyThreads)
    attention_kernel(const __grid_constant__ AttentionArguments a) {
  extern __shared__ __align__(128) uint8_t shared_raw[];
  Shared<L>& s = *reinterpret_cast<Shared<L>*>(shared_raw);
  const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, lane = thread % 32;
  const int group = a.heads / a.kv_heads;
  wait_for_previous_kernel();
  let_next_kernel_start();
  s.query.clear(thread);
  __syncthreads();
  const int work = *a.item_count * a.kv_heads;
  for (int index = static_cast<int>(blockIdx.x); index < work;
       index += static_cast<int>(gridDim.x)) {
    const AttentionItem item = load_item(a.items, index / a.kv_heads);
    const int head = index % a.kv_heads;
    const int rows = min(kTileRows, item.rows * group - item.tile_row);
    QueryLoader<L> loader{a, thread};
    loader.load_ahead(item, head);
    loader.put(s.query, item, head, rows);
    __syncthreads();
    Queries<L> queries;
    queries.load(s.query, lane);
    const TileRows tile_rows(a, item, rows, lane);
    int rounds = 0;
    const auto sync = [] { __syncthreads(); };
    for (int begin = item.chunk_begin; begin < item.chunk_end; begin += Round::chunks_of(item)) {
      const Round round(item, begin);
      const int first = round.first_page(warp);
      const PartResult<L> r = part_result<L>(s.page[warp], queries, a, item, head, first,
                                             first + round.pages(warp), tile_rows, lane);
      finish_round(s.parts, s.tile, a, item, head, rows, round, r, rounds, thread, sync);
    }
    finish_tile(s.tile, s.last, a, item, head, rows, thread, sync);
  }
}

}  // namespace

void attend_ampere(const Stream& stream, const AttentionArguments& a, int blocks) {
  with_layout(a.head_dim, false, [&](auto layout) {
    using L = decltype(layout);
    launch(stream, "attention", attention_kernel<L>, dim3(static_cast<unsigned>(blocks)),
           dim3(kMultiplyThreads), sizeof(Shared<L>), a);
  });
}

int ampere_resident_blocks(int head_dim) {
  int device = 0, multiprocessors = 0, blocks = 0;
  check(cudaGetDevice(&device), "device");
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "device");
  with_layout(head_dim, false, [&](auto layout) {
    using L = decltype(layout);
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, attention_kernel<L>,
                                                        kMultiplyThreads, sizeof(Shared<L>)),
          "occupancy");
  });
  return blocks * multiprocessors;
}

void prepare_ampere_attention(int head_dim) {
  with_layout(head_dim, false, [&](auto layout) {
    using L = decltype(layout);
    allow_shared_memory(attention_kernel<L>, sizeof(Shared<L>));
  });
}

}  // namespace molgen3d::cuda
