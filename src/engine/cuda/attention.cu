// Attention of new tokens over paged keys and values, for decode steps, forced runs and prompts alike,
// together with q/k norms, rotary embedding and the append to the cache.
//
// A tile of 16 rows (query heads of one key-value head x new tokens) meets its keys in chunks of 64;
// each chunk's result is computed by itself and merged in order, so that the sums do not depend on how
// the chunks are spread over thread blocks (AttentionItem), on the batch, or on how many tokens a pass
// takes. Blocks are persistent and fetch the next chunk while they work on this one; the last block to
// finish a tile merges its parts.
//
// Bytes: 4 x dim per key and key-value head (once per tile), 8 x dim per row for q and out, and
// 4 x dim + 8 written and read per row and chunk when a tile is cut (1/64 of the keys' bytes with two
// rows). Operations: 4 x 16 x dim per key; at two rows 13 % of what mma.sync can do in that time.
#include "engine/cuda/gemm.h"
#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda {
namespace {

constexpr int kThreads = 128, kWarps = 4;
constexpr int kPage = 16;
constexpr int kPagesPerChunk = kChunk / kPage;
constexpr int kStages = 2;

template <int kDim>
struct Shared {
  static constexpr int kPageBytes = 2 * kPage * kDim * 2;  ///< keys, then values
  static constexpr int kStageBytes = kPagesPerChunk * kPageBytes;
  uint8_t stage[kStages][kStageBytes];
  uint8_t query[16 * kDim * 2];
  uint8_t weight[16 * kChunk * 2];
  float maximum[kWarps][16], sum[kWarps][16];
  uint64_t filled[kStages];
  int last;
};

/// Byte of a row of kDim elements at which 16-byte unit `unit` is kept: eight rows, eight banks groups.
template <int kDim>
__device__ __forceinline__ int unit_offset(int row, int unit) {
  constexpr int kMask = kDim >= 64 ? 7 : 3;
  return (unit ^ ((kDim >= 64 ? row : row / 2) & kMask)) * 16;
}

template <int kDim>
__device__ __forceinline__ int key_offset(int key) {
  return key / kPage * Shared<kDim>::kPageBytes + key % kPage * kDim * 2;
}
template <int kDim>
constexpr int kValues = kPage* kDim * 2;  // from a key to its value

/// kDim / 32 consecutive elements of one lane.
template <int kDim>
struct Lane {
  static constexpr int kCount = kDim / 32;
  float v[kCount];
};

template <int kDim>
__device__ __forceinline__ Lane<kDim> load_lane(const Bf16* row, int lane, int dim) {
  constexpr int kCount = Lane<kDim>::kCount;
  Lane<kDim> x = {};
  if (lane * kCount < dim) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) x.v[i] = __bfloat162float(row[lane * kCount + i]);
  }
  return x;
}

template <int kDim>
__device__ __forceinline__ void store_lane(uint8_t* row_bytes, int row, int lane, const Lane<kDim>& x) {
  constexpr int kCount = Lane<kDim>::kCount;
  uint8_t* p = row_bytes + unit_offset<kDim>(row, lane * kCount / 8) + lane * kCount % 8 * 2;
#pragma unroll
  for (int i = 0; i < kCount; ++i) reinterpret_cast<Bf16*>(p)[i] = __float2bfloat16_rn(x.v[i]);
}

/// RMSNorm (when `weight`), then rotation, of one row held by a warp.
template <int kDim>
__device__ __forceinline__ void norm_and_rotate(Lane<kDim>& x, const Bf16* weight, float eps,
                                                const float2* rotation, int lane, int dim) {
  constexpr int kCount = Lane<kDim>::kCount;
  if (weight != nullptr) {
    float squares = 0;
#pragma unroll
    for (int i = 0; i < kCount; ++i) squares += x.v[i] * x.v[i];
    const float scale = rsqrtf(warp_sum(squares) / static_cast<float>(dim) + eps);
    if (lane * kCount < dim) {
#pragma unroll
      for (int i = 0; i < kCount; ++i) {
        x.v[i] = bf16_round(bf16_round(x.v[i] * scale) * __bfloat162float(weight[lane * kCount + i]));
      }
    }
  }
  const int half = dim / 2 / kCount;  // lanes of one half
  const bool first = lane < half;
  const int partner = first ? lane + half : lane - half;
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    const float other = __shfl_sync(0xFFFFFFFFU, x.v[i], partner & 31);
    if (lane * kCount < dim) {
      const float2 turn = rotation[(first ? lane : partner) * kCount + i];
      x.v[i] = first ? x.v[i] * turn.x - other * turn.y : x.v[i] * turn.x + other * turn.y;
    }
  }
}

template <int kDim>
__device__ __forceinline__ const uint8_t* page_address(const AttentionArguments& a,
                                                       const AttentionItem& item, int page, int head) {
  const uint32_t id = a.pages[static_cast<size_t>(item.slot) * a.page_stride + page];
  return reinterpret_cast<const uint8_t*>(a.cache) +
         (static_cast<size_t>(id) * a.kv_heads + head) * Shared<kDim>::kPageBytes;
}

__device__ __forceinline__ AttentionItem load_item(const AttentionItem* items, int index) {
  AttentionItem item;
  const int4* from = reinterpret_cast<const int4*>(items + index);
  int4* to = reinterpret_cast<int4*>(&item);
#pragma unroll
  for (int i = 0; i < 3; ++i) to[i] = __ldcg(from + i);
  return item;
}

/// Starts the copy of the cached keys and values of a chunk. Warp 0 calls.
template <int kDim>
__device__ __forceinline__ void fetch(Shared<kDim>& s, int stage, const AttentionArguments& a,
                                      const AttentionItem& item, int head, int chunk, int lane) {
#if __CUDA_ARCH__ >= 900
  const int cached = min(max(item.first_position - chunk * kChunk, 0), kChunk);
  const int pages = (cached + kPage - 1) / kPage;
  if (lane == 0) barrier_arrive_expect(&s.filled[stage], pages * Shared<kDim>::kPageBytes);
  __syncwarp();
  if (lane < pages) {
    bulk_copy(s.stage[stage] + lane * Shared<kDim>::kPageBytes,
              page_address<kDim>(a, item, chunk * kPagesPerChunk + lane, head),
              Shared<kDim>::kPageBytes, &s.filled[stage]);
  }
#endif
}

/// Waits for that copy (all threads); before Hopper, does it.
template <int kDim>
__device__ __forceinline__ void await(Shared<kDim>& s, int stage, uint32_t parity,
                                      const AttentionArguments& a, const AttentionItem& item, int head,
                                      int chunk) {
#if __CUDA_ARCH__ >= 900
  barrier_wait(&s.filled[stage], parity);
#else
  constexpr int kPieces = Shared<kDim>::kPageBytes / 16;
  const int cached = min(max(item.first_position - chunk * kChunk, 0), kChunk);
  const int pages = (cached + kPage - 1) / kPage;
  for (int i = static_cast<int>(threadIdx.x); i < pages * kPieces; i += kThreads) {
    const uint8_t* from = page_address<kDim>(a, item, chunk * kPagesPerChunk + i / kPieces, head);
    copy_16_async(s.stage[stage] + i * 16, from + i % kPieces * 16);
  }
  copy_async_commit();
  copy_async_wait<0>();
  __syncthreads();
#endif
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

/// The tile's queries, normed and rotated, into shared memory; rows past `rows` are zero.
template <int kDim>
__device__ __forceinline__ void load_queries(Shared<kDim>& s, const AttentionArguments& a,
                                             const AttentionItem& item, int head, int rows, int warp,
                                             int lane) {
  const int group = a.heads / a.kv_heads;
  for (int i = warp; i < 16; i += kWarps) {
    Lane<kDim> x = {};
    if (i < rows) {
      const int token = (item.tile_row + i) / group, query_head = head * group + (item.tile_row + i) % group;
      x = load_lane<kDim>(a.projected + static_cast<size_t>(item.first_row + token) * a.projected_stride +
                              query_head * a.head_dim,
                          lane, a.head_dim);
      norm_and_rotate<kDim>(x, a.query_norm, a.eps,
                            a.rotation + static_cast<size_t>(item.first_position + token) * (a.head_dim / 2),
                            lane, a.head_dim);
    }
    store_lane<kDim>(s.query + i * kDim * 2, i, lane, x);
  }
}

/// The new keys and values of a chunk, into shared memory and (once per key) into the cache; values
/// past the last key are zero, since an unwritten one may be NaN.
template <int kDim>
__device__ __forceinline__ void append_new(Shared<kDim>& s, int stage, const AttentionArguments& a,
                                           const AttentionItem& item, int head, int chunk, int valid,
                                           int warp, int lane) {
  const int start = chunk * kChunk;
  for (int key = max(item.first_position - start, 0) + warp; key < valid; key += kWarps) {
    const int token = start + key - item.first_position;
    const Bf16* row = a.projected + static_cast<size_t>(item.first_row + token) * a.projected_stride +
                      (a.heads + head) * a.head_dim;
    Lane<kDim> k = load_lane<kDim>(row, lane, a.head_dim);
    const Lane<kDim> v = load_lane<kDim>(row + a.kv_heads * a.head_dim, lane, a.head_dim);
    norm_and_rotate<kDim>(k, a.key_norm, a.eps,
                          a.rotation + static_cast<size_t>(start + key) * (a.head_dim / 2), lane,
                          a.head_dim);
    uint8_t* to = s.stage[stage] + key_offset<kDim>(key);
    store_lane<kDim>(to, key, lane, k);
    store_lane<kDim>(to + kValues<kDim>, key, lane, v);
    if (item.writes) {
      uint8_t* page = const_cast<uint8_t*>(page_address<kDim>(a, item, (start + key) / kPage, head)) +
                      key % kPage * kDim * 2;
      store_lane<kDim>(page, key, lane, k);
      store_lane<kDim>(page + kValues<kDim>, key, lane, v);
    }
  }
  const int end = (valid + 31) / 32 * 32;
  for (int key = valid + warp; key < end; key += kWarps) {
    store_lane<kDim>(s.stage[stage] + key_offset<kDim>(key) + kValues<kDim>, key, lane, Lane<kDim>{});
  }
}

template <int kDim>
__global__ void __launch_bounds__(kThreads) attention_kernel(const __grid_constant__ AttentionArguments a) {
  constexpr int kTiles = kDim / 32;  // 8-column tiles of the output that one warp owns
  extern __shared__ __align__(128) uint8_t shared_raw[];
  Shared<kDim>& s = *reinterpret_cast<Shared<kDim>*>(shared_raw);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int group = a.heads / a.kv_heads;
  const int work = load_shared_word(a.item_count) * a.kv_heads;  // written two kernels earlier
  const float scale = 1.44269504F * rsqrtf(static_cast<float>(a.head_dim));

  int index = static_cast<int>(blockIdx.x);
  AttentionItem item;
  if (index < work) {
    item = load_item(a.items, index / a.kv_heads);
#if __CUDA_ARCH__ >= 900
    if (threadIdx.x == 0) {
      for (uint64_t& barrier : s.filled) barrier_init(&barrier, 1);
      barrier_init_fence();
    }
#endif
    __syncthreads();
    // Keys of earlier passes do not wait for the kernel before this one.
    if (warp == 0) fetch<kDim>(s, 0, a, item, index % a.kv_heads, item.chunk_begin, lane);
  }
  wait_for_previous_kernel();
  let_next_kernel_start();

  int count = 0;  // chunks so far: stage and parity
  while (index < work) {
    const int head = index % a.kv_heads;
    const int rows = min(16, item.rows * group - item.tile_row);
    const bool whole = item.items == 1;
    const int next_index = index + static_cast<int>(gridDim.x);
    AttentionItem next_item = item;
    if (next_index < work) next_item = load_item(a.items, next_index / a.kv_heads);
    load_queries<kDim>(s, a, item, head, rows, warp, lane);

    float out[kTiles][4] = {};
    Running running[2];
    for (int chunk = item.chunk_begin; chunk < item.chunk_end; ++chunk, ++count) {
      const int stage = count % kStages;
      if (warp == 0) {
        if (chunk + 1 < item.chunk_end) {
          fetch<kDim>(s, (count + 1) % kStages, a, item, head, chunk + 1, lane);
        } else if (next_index < work) {
          fetch<kDim>(s, (count + 1) % kStages, a, next_item, next_index % a.kv_heads,
                      next_item.chunk_begin, lane);
        }
      }
      await<kDim>(s, stage, (count / kStages) & 1, a, item, head, chunk);
      const int start = chunk * kChunk;
      const int valid = min(kChunk, item.first_position + item.rows - start);
      append_new<kDim>(s, stage, a, item, head, chunk, valid, warp, lane);
      __syncthreads();

      // Scores: this warp's 16 keys.
      float score[2][4] = {};
      const uint8_t* keys = s.stage[stage];
#pragma unroll
      for (int block = 0; block < kDim / 32; ++block) {
        uint32_t q[2][4];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int row = lane % 16;
          load_matrices(q[i], s.query + row * kDim * 2 +
                                  unit_offset<kDim>(row, block * 4 + i * 2 + lane / 16));
        }
#pragma unroll
        for (int n = 0; n < 2; ++n) {
          const int key = warp * 16 + n * 8 + lane % 8;
          uint32_t k[4];
          load_matrices(k, keys + key_offset<kDim>(key) + unit_offset<kDim>(key, block * 4 + lane / 8));
          multiply_add(score[n], q[0], k[0], k[1]);
          multiply_add(score[n], q[1], k[2], k[3]);
        }
      }
      float top[2] = {-INFINITY, -INFINITY};
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
            top[half] = fmaxf(top[half], x);
          }
        }
        top[half] = fmaxf(top[half], __shfl_xor_sync(0xFFFFFFFFU, top[half], 1));
        top[half] = fmaxf(top[half], __shfl_xor_sync(0xFFFFFFFFU, top[half], 2));
        if (lane % 4 == 0) s.maximum[warp][lane / 4 + 8 * half] = top[half];
      }
      __syncthreads();
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = lane / 4 + 8 * half;
        top[half] = fmaxf(fmaxf(s.maximum[0][row], s.maximum[1][row]),
                          fmaxf(s.maximum[2][row], s.maximum[3][row]));
        const float base = top[half] == -INFINITY ? 0.0F : top[half];
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
      __syncthreads();

      // Weighted values: this warp's quarter of the columns.
      float value[kTiles][4] = {};
#pragma unroll
      for (int block = 0; block < kChunk / 32; ++block) {
        if (block * 32 >= valid) break;
        uint32_t w[2][4];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int row = lane % 16;
          load_matrices(w[i], s.weight + row * kChunk * 2 +
                                  unit_offset<kChunk>(row, block * 4 + i * 2 + lane / 16));
        }
#pragma unroll
        for (int n = 0; n < kTiles; ++n) {
          const int key = block * 32 + lane;
          uint32_t v[4];
          load_matrices_transposed(v, keys + key_offset<kDim>(key) + kValues<kDim> +
                                          unit_offset<kDim>(key, warp * kTiles + n));
          multiply_add(value[n], w[0], v[0], v[1]);
          multiply_add(value[n], w[1], v[2], v[3]);
        }
      }
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = lane / 4 + 8 * half;
        const float sum = s.sum[0][row] + s.sum[1][row] + s.sum[2][row] + s.sum[3][row];
        if (whole) {
          const float2 factor = merge(running[half], top[half], sum);
#pragma unroll
          for (int n = 0; n < kTiles; ++n) {
#pragma unroll
            for (int c = 0; c < 2; ++c) {
              out[n][2 * half + c] = merge_value(out[n][2 * half + c], value[n][2 * half + c], factor);
            }
          }
        } else if (row < rows) {
          const size_t at = (static_cast<size_t>(item.partial) + chunk * rows + row) * a.kv_heads + head;
          if (warp == 0 && lane % 4 == 0) a.partial_stats[at] = {top[half], sum};
#pragma unroll
          for (int n = 0; n < kTiles; ++n) {
            *reinterpret_cast<float2*>(a.partial + at * kDim + (warp * kTiles + n) * 8 + 2 * (lane % 4)) =
                {value[n][2 * half], value[n][2 * half + 1]};
          }
        }
      }
#if __CUDA_ARCH__ >= 900
      fence_async_proxy();  // what append_new wrote comes before the copy that reuses the stage
#endif
      __syncthreads();
    }

    const auto store = [&](int row, int column, float x0, float x1) {
      const int flat = item.tile_row + row;
      const int k = (head * group + flat % group) * a.head_dim + column;
      if (column < a.head_dim) {
        *reinterpret_cast<uint32_t*>(
            a.out + activation_offset(item.first_row + flat / group, k, a.out_tile_rows, a.out_depth)) =
            pack_bf16(x0, x1);
      }
    };
    if (whole) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = lane / 4 + 8 * half;
        if (row >= rows) continue;
#pragma unroll
        for (int n = 0; n < kTiles; ++n) {
          store(row, (warp * kTiles + n) * 8 + 2 * (lane % 4),
                __fdiv_rn(out[n][2 * half], running[half].sum),
                __fdiv_rn(out[n][2 * half + 1], running[half].sum));
        }
      }
    } else {
      __threadfence();
      __syncthreads();
      if (threadIdx.x == 0) {
        int* counter = a.counters + static_cast<size_t>(item.counter) * a.kv_heads + head;
        s.last = atomicAdd(counter, 1) + 1 == item.items;
        if (s.last != 0) *counter = 0;
      }
      __syncthreads();
      if (s.last != 0) {
        __threadfence();
        for (int pair = static_cast<int>(threadIdx.x); pair < rows * (kDim / 2); pair += kThreads) {
          const int row = pair / (kDim / 2), column = pair % (kDim / 2) * 2;
          Running total;
          float x0 = 0, x1 = 0;
#pragma unroll 4
          for (int chunk = 0; chunk < item.chunks; ++chunk) {
            const size_t at = (static_cast<size_t>(item.partial) + chunk * rows + row) * a.kv_heads + head;
            const float2 stats = __ldcg(a.partial_stats + at);
            const float2 x = __ldcg(reinterpret_cast<const float2*>(a.partial + at * kDim + column));
            const float2 factor = merge(total, stats.x, stats.y);
            x0 = merge_value(x0, x.x, factor);
            x1 = merge_value(x1, x.y, factor);
          }
          store(row, column, __fdiv_rn(x0, total.sum), __fdiv_rn(x1, total.sum));
        }
      }
    }
    index = next_index;
    item = next_item;
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

int padded_head_dim(int head_dim) {
  return head_dim <= 32 ? 32 : head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 0;
}

void attend(const Stream& stream, const AttentionArguments& a, int blocks) {
  const auto go = [&](auto kernel, size_t bytes) {
    launch(stream, "attention", kernel, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), bytes, a);
  };
  switch (padded_head_dim(a.head_dim)) {
    case 32: return go(attention_kernel<32>, sizeof(Shared<32>));
    case 64: return go(attention_kernel<64>, sizeof(Shared<64>));
    default: return go(attention_kernel<128>, sizeof(Shared<128>));
  }
}

int attention_resident_blocks(int head_dim) {
  switch (padded_head_dim(head_dim)) {
    case 32: return resident_blocks<32>();
    case 64: return resident_blocks<64>();
    default: return resident_blocks<128>();
  }
}

void prepare_attention() {
  allow_shared_memory(attention_kernel<32>, sizeof(Shared<32>));
  allow_shared_memory(attention_kernel<64>, sizeof(Shared<64>));
  allow_shared_memory(attention_kernel<128>, sizeof(Shared<128>));
}

}  // namespace molgen3d::cuda
