// The attention of attention.cu for devices without a copy engine: the same chunks, the same sums,
// but four warps that load, multiply and merge in turn.
#include "engine/cuda/attention_ampere.h"

#include "engine/cuda/attention_parts.cuh"

namespace molgen3d::cuda {
namespace {

using namespace attention;

constexpr int kThreads = kWarps * 32;

template <typename L>
struct Shared {
  uint8_t stage[L::kStageBytes];
  ChunkScratch chunk;
  int last;
};

template <typename L>
__global__ void __launch_bounds__(kThreads)
    attention_kernel(const __grid_constant__ AttentionArguments a) {
  extern __shared__ __align__(128) uint8_t shared_raw[];
  Shared<L>& s = *reinterpret_cast<Shared<L>*>(shared_raw);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int group = a.heads / a.kv_heads;
  wait_for_previous_kernel();
  let_next_kernel_start();
  const int work = *a.item_count * a.kv_heads;
  const auto sync = [] { __syncthreads(); };
  for (int index = static_cast<int>(blockIdx.x); index < work;
       index += static_cast<int>(gridDim.x)) {
    const AttentionItem item = load_item(a.items, index / a.kv_heads);
    const int head = index % a.kv_heads;
    const int rows = min(16, item.rows * group - item.tile_row);
    Queries<L> queries;
    queries.load(a, item, head, rows, lane);
    TileResult<L> tile;
    for (int chunk = item.chunk_begin; chunk < item.chunk_end; ++chunk) {
      constexpr int kPieces = L::kPageBytes / 16;
      const int start = chunk * kChunk;
      const int keys = min(item.first_position + item.rows - start, kChunk);
      for (int i = static_cast<int>(threadIdx.x); i < (keys + kPage - 1) / kPage * kPieces;
           i += kThreads) {
        const uint8_t* from = page_address<L>(a, item, chunk * kPagesPerChunk + i / kPieces, head);
        copy_16_async(s.stage + i * 16, from + i % kPieces * 16);
      }
      copy_async_commit();
      copy_async_wait<0>();
      __syncthreads();
      const ChunkResult<L> r =
          compute_chunk<L>(s.chunk, queries, s.stage, a, item, chunk, rows, warp, lane, sync);
      if (item.items == 1) {
        tile.add(r);
      } else {
        store_partial<L>(a, item, head, rows, chunk, r, warp, lane);
      }
      __syncthreads();
    }
    if (item.items == 1) {
      store_tile<L>(a, item, head, rows, tile, warp, lane);
    } else {
      if (threadIdx.x == 0) s.last = finish_item(a, item, head) ? 1 : 0;
      __syncthreads();
      if (s.last != 0) merge_parts<L>(a, item, head, rows, static_cast<int>(threadIdx.x), kThreads);
      __syncthreads();
    }
  }
}

}  // namespace

void attend_ampere(const Stream& stream, const AttentionArguments& a, int blocks) {
  with_layout(a.head_dim, false, [&](auto layout) {
    using L = decltype(layout);
    launch(stream, "attention", attention_kernel<L>, dim3(static_cast<unsigned>(blocks)),
           dim3(kThreads), sizeof(Shared<L>), a);
  });
}

int ampere_resident_blocks(int head_dim) {
  int device = 0, multiprocessors = 0, blocks = 0;
  check(cudaGetDevice(&device), "device");
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "device");
  with_layout(head_dim, false, [&](auto layout) {
    using L = decltype(layout);
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, attention_kernel<L>, kThreads,
                                                        sizeof(Shared<L>)),
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
