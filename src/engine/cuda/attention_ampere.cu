// The attention of attention.cu for devices without a copy engine: the same chunks, the same sums,
// but four warps that load, multiply and merge in turn.
#include "engine/cuda/attention_ampere.h"

#include "engine/cuda/attention_parts.cuh"

namespace molgen3d::cuda {
namespace {

using namespace attention;

constexpr int kThreads = kWarps * 32;

template <int kDim>
struct Shared {
  uint8_t stage[kStageBytes<kDim>];
  ChunkScratch chunk;
  int last;
};

template <int kDim>
__global__ void __launch_bounds__(kThreads)
    attention_kernel(const __grid_constant__ AttentionArguments a) {
  extern __shared__ __align__(128) uint8_t shared_raw[];
  Shared<kDim>& s = *reinterpret_cast<Shared<kDim>*>(shared_raw);
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
    Queries<kDim> queries;
    queries.load(a, item, head, rows, lane);
    TileResult<kDim> tile;
    for (int chunk = item.chunk_begin; chunk < item.chunk_end; ++chunk) {
      constexpr int kPieces = kPageBytes<kDim> / 16;
      const int start = chunk * kChunk;
      const int keys = min(item.first_position + item.rows - start, kChunk);
      for (int i = static_cast<int>(threadIdx.x); i < (keys + kPage - 1) / kPage * kPieces;
           i += kThreads) {
        const uint8_t* from =
            page_address<kDim>(a, item, chunk * kPagesPerChunk + i / kPieces, head);
        copy_16_async(s.stage + i * 16, from + i % kPieces * 16);
      }
      copy_async_commit();
      copy_async_wait<0>();
      __syncthreads();
      const ChunkResult<kDim> r =
          compute_chunk<kDim>(s.chunk, queries, s.stage, a, item, chunk, rows, warp, lane, sync);
      if (item.items == 1) {
        tile.add(r);
      } else {
        store_partial<kDim>(a, item, head, rows, chunk, r, warp, lane);
      }
      __syncthreads();
    }
    if (item.items == 1) {
      store_tile<kDim>(a, item, head, rows, tile, warp, lane);
    } else {
      if (threadIdx.x == 0) s.last = finish_item(a, item, head) ? 1 : 0;
      __syncthreads();
      if (s.last != 0)
        merge_parts<kDim>(a, item, head, rows, static_cast<int>(threadIdx.x), kThreads);
      __syncthreads();
    }
  }
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

void attend_ampere(const Stream& stream, const AttentionArguments& a, int blocks) {
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

int ampere_resident_blocks(int head_dim) {
  switch (padded_head_dim(head_dim)) {
    case 32:
      return resident_blocks<32>();
    case 64:
      return resident_blocks<64>();
    default:
      return resident_blocks<128>();
  }
}

void prepare_ampere_attention() {
  allow_shared_memory(attention_kernel<32>, sizeof(Shared<32>));
  allow_shared_memory(attention_kernel<64>, sizeof(Shared<64>));
  allow_shared_memory(attention_kernel<128>, sizeof(Shared<128>));
}

}  // namespace molgen3d::cuda
