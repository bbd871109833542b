// One chunk of one tile of attention: scores, weights, weighted values.
#pragma once

#include "engine/cuda/attention_layout.cuh"
#include "engine/cuda/gemm.h"
#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda::attention {

constexpr int kWarps = 4;  ///< that multiply

template <typename L>
__device__ __forceinline__ const uint8_t* page_address(const AttentionArguments& a,
                                                       const AttentionItem& item, int page,
                                                       int head) {
  const uint32_t id = a.pages[static_cast<size_t>(item.slot) * a.page_stride + page];
  return reinterpret_cast<const uint8_t*>(a.cache) +
         (static_cast<size_t>(id) * a.kv_heads + head) * L::kPageBytes;
}

__device__ __forceinline__ AttentionItem load_item(const AttentionItem* items, int index) {
  AttentionItem item;
  const int4* from = reinterpret_cast<const int4*>(items + index);
  int4* to = reinterpret_cast<int4*>(&item);
#pragma unroll
  for (int i = 0; i < 3; ++i) to[i] = __ldcg(from + i);
  return item;
}

/// The queries of a tile as operands of the matrix units; rows past `rows` are zero or ignored. In
/// fp8 a lane holds four neighbouring elements of a row where it holds two and two else: the keys,
/// byte by byte, come so, and a product does not mind in which order its terms are.
template <typename L>
struct Queries {
  uint32_t operand[L::kDim / 16][4];

  /// Column of the first of a lane's two elements of word c (0, 1) of block i.
  __device__ __forceinline__ static int column(int i, int c, int lane) {
    return L::kFp8 ? i * 16 + lane % 4 * 4 + 2 * c : i * 16 + c * 8 + lane % 4 * 2;
  }
  __device__ __forceinline__ static uint32_t convert(uint32_t bf16) {
    if constexpr (L::kFp8) {
      const float2 x = __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&bf16));
      return pack_f16(x.x, x.y);
    } else {
      return bf16;
    }
  }
  /// Straight from memory.
  __device__ __forceinline__ void load(const AttentionArguments& a, const AttentionItem& item,
                                       int head, int rows, int lane) {
    const int group = a.heads / a.kv_heads;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = lane / 4 + 8 * half, flat = item.tile_row + row;
      const Bf16* from = a.projected +
                         static_cast<size_t>(item.first_row + flat / group) * a.projected_stride +
                         (head * group + flat % group) * a.head_dim;
#pragma unroll
      for (int i = 0; i < L::kDim / 16; ++i) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          const int k = column(i, c, lane);
          uint32_t& x = operand[i][2 * c + half];
          x = 0;
          if (row < rows && k < a.head_dim) {
            x = convert(__ldcg(reinterpret_cast<const uint32_t*>(from + k)));
          }
        }
      }
    }
  }
  /// From 16 rows of kDim bf16 in shared memory.
  __device__ __forceinline__ void load(const uint8_t* rows, int lane) {
    constexpr int kQueryBytes = L::kDim * 2;
    if constexpr (L::kFp8) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = lane / 4 + 8 * half;
#pragma unroll
        for (int i = 0; i < L::kDim / 16; ++i) {
          const uint2 x = *reinterpret_cast<const uint2*>(
              rows + row * kQueryBytes + unit_offset<kQueryBytes>(row, 2 * i + lane % 4 / 2) +
              lane % 2 * 8);
          operand[i][half] = convert(x.x);
          operand[i][2 + half] = convert(x.y);
        }
      }
    } else {
      const int row = lane % 16;
#pragma unroll
      for (int i = 0; i < L::kDim / 16; ++i) {
        load_matrices(operand[i],
                      rows + row * kQueryBytes + unit_offset<kQueryBytes>(row, 2 * i + lane / 16));
      }
    }
  }
};

/// One chunk of a tile, by four warps: what every thread keeps.
template <typename L>
struct ChunkResult {
  float top[2], sum[2];  ///< rows lane / 4 and lane / 4 + 8: maximum (base 2), sum of weights
  float value[L::kDim / 32][4];  ///< this warp's quarter of the columns: value_column()
};
/// Column of the first of the two columns of value[n] (elements 0, 1; 2 and 3 are 8 rows below).
template <typename L>
__device__ __forceinline__ int value_column(int n, int warp, int lane) {
  return L::kFp8 ? warp * (L::kDim / 4) + n / 2 * 16 + lane % 4 * 4 + n % 2 * 2
                 : (warp * (L::kDim / 32) + n) * 8 + 2 * (lane % 4);
}

/// Scratch of compute_chunk.
struct ChunkScratch {
  uint8_t weight[16 * kChunk * 2];
  float maximum[kWarps][16], sum[kWarps][16];
};

/// score[n] = queries x keys 16 warp + 8 n .. All keys are on their way before the first product;
/// the two halves of a row are summed apart, which halves the chain of products.
template <typename L>
__device__ __forceinline__ void score_keys(float (&score)[2][4], const Queries<L>& queries,
                                           const uint8_t* keys, int warp, int lane) {
  constexpr int kBlocks = L::kUnits / 4;
  uint32_t k[2][kBlocks][4];
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      const int key = warp * 16 + n * 8 + lane % 8;
      load_matrices(k[n][block], keys + L::key_offset(key) +
                                     unit_offset<L::kRowBytes>(key, block * 4 + lane / 8));
    }
  }
  float odd[2][4] = {};
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      const uint32_t(&x)[4] = k[n][block];
      if constexpr (L::kFp8) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          multiply_add_f16(i % 2 == 0 ? score[n] : odd[n], queries.operand[4 * block + i],
                           f16_of_e4m3(x[i]), f16_of_e4m3(x[i] >> 16));
        }
      } else {
        multiply_add(score[n], queries.operand[2 * block], x[0], x[1]);
        multiply_add(odd[n], queries.operand[2 * block + 1], x[2], x[3]);
      }
    }
  }
#pragma unroll
  for (int n = 0; n < 2; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) score[n][i] += odd[n][i];
  }
}

/// This warp's columns of the values of a page, as load_matrices_transposed gives them.
template <typename L>
struct PageValues {
  static constexpr int kLoads = L::kDim >= 128 && !L::kFp8 ? 2 : 1;
  uint32_t v[kLoads][4];

  __device__ __forceinline__ void load(const uint8_t* keys, int page, int warp, int lane) {
    const int key = page * kPage + lane % 16;
    const uint8_t* values = keys + L::key_offset(key) + L::kValues;
    constexpr int kUnitsOfWarp = L::kUnits / kWarps;  // at 1 they are loaded twice
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
      const int unit = warp * kUnitsOfWarp + 2 * i + (kUnitsOfWarp > 1 ? lane / 16 : 0);
      load_matrices_transposed(v[i], values + unit_offset<L::kRowBytes>(key, unit));
    }
  }
  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < kLoads; ++i) v[i][0] = v[i][1] = v[i][2] = v[i][3] = 0;
  }
  /// value += weights of the page's 16 keys x their values.
  __device__ __forceinline__ void add(float (&value)[L::kDim / 32][4],
                                      const uint32_t (&w)[4]) const {
    if constexpr (L::kFp8) {
      // Transposed by pairs of bytes: a lane got two columns of two keys, so that even and odd
      // columns make two products; value[] holds neighbouring columns.
#pragma unroll
      for (int m = 0; m < L::kDim / 64; ++m) {
        float(&a)[4] = value[2 * m], (&b)[4] = value[2 * m + 1];
        float even[4] = {a[0], b[0], a[2], b[2]}, odd[4] = {a[1], b[1], a[3], b[3]};
        const uint32_t low = v[0][2 * m], high = v[0][2 * m + 1];  // keys 0 - 7, 8 - 15
        multiply_add_f16(even, w, f16_of_e4m3(__byte_perm(low, 0, 0x4420)),
                         f16_of_e4m3(__byte_perm(high, 0, 0x4420)));
        multiply_add_f16(odd, w, f16_of_e4m3(__byte_perm(low, 0, 0x4431)),
                         f16_of_e4m3(__byte_perm(high, 0, 0x4431)));
        a[0] = even[0], b[0] = even[1], a[2] = even[2], b[2] = even[3];
        a[1] = odd[0], b[1] = odd[1], a[3] = odd[2], b[3] = odd[3];
      }
    } else {
#pragma unroll
      for (int n = 0; n < L::kDim / 32; ++n) {
        multiply_add(value[n], w, v[n / 2][n % 2 * 2], v[n / 2][n % 2 * 2 + 1]);
      }
    }
  }
};

/// Scores, weights and weighted values of one chunk. `sync` joins the four warps.
template <typename L, typename Sync>
__device__ __forceinline__ ChunkResult<L> compute_chunk(ChunkScratch& s, const Queries<L>& queries,
                                                        const uint8_t* keys,
                                                        const AttentionArguments& a,
                                                        const AttentionItem& item, int chunk,
                                                        int rows, int warp, int lane, Sync sync) {
  ChunkResult<L> r = {};
  const int group = a.heads / a.kv_heads;
  const int start = chunk * kChunk;
  const int valid = min(kChunk, item.first_position + item.rows - start);
  const float scale = 1.44269504F * rsqrtf(static_cast<float>(a.head_dim));
  // Scores: this warp's 16 keys.
  float score[2][4] = {};
  score_keys(score, queries, keys, warp, lane);
  PageValues<L> values[kPagesPerChunk];  // in the time of the weights' exchange
#pragma unroll
  for (int page = 0; page < kPagesPerChunk; ++page) values[page].load(keys, page, warp, lane);
  r.top[0] = r.top[1] = -INFINITY;
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
        float factor = scale;
        if constexpr (L::kFp8) {
          factor *= *reinterpret_cast<const float*>(keys + L::scale_offset(key));
        }
        x = key <= last_key ? x * factor : -INFINITY;
        r.top[half] = fmaxf(r.top[half], x);
      }
    }
    r.top[half] = fmaxf(r.top[half], __shfl_xor_sync(0xFFFFFFFFU, r.top[half], 1));
    r.top[half] = fmaxf(r.top[half], __shfl_xor_sync(0xFFFFFFFFU, r.top[half], 2));
    if (lane % 4 == 0) s.maximum[warp][lane / 4 + 8 * half] = r.top[half];
  }
  sync();
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    r.top[half] = fmaxf(fmaxf(s.maximum[0][row], s.maximum[1][row]),
                        fmaxf(s.maximum[2][row], s.maximum[3][row]));
    const float base = r.top[half] == -INFINITY ? 0.0F : r.top[half];
    float sum = 0;
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      const float w0 = exp2f(score[n][2 * half] - base), w1 = exp2f(score[n][2 * half + 1] - base);
      sum += w0 + w1;
      uint32_t* to = reinterpret_cast<uint32_t*>(
          s.weight + row * kChunk * 2 + unit_offset<kChunk * 2>(row, warp * 2 + n) + lane % 4 * 4);
      if constexpr (L::kFp8) {
        // The values' scales; those past the last key may be anything.
        const int key = warp * 16 + n * 8 + 2 * (lane % 4);
        const float2 scales = *reinterpret_cast<const float2*>(
            keys + L::scale_offset(key) + kPage * static_cast<int>(sizeof(float)));
        *to = pack_f16(w0 == 0 ? 0 : w0 * scales.x, w1 == 0 ? 0 : w1 * scales.y);
      } else {
        *to = pack_bf16(w0, w1);
      }
    }
    sum += __shfl_xor_sync(0xFFFFFFFFU, sum, 1);
    sum += __shfl_xor_sync(0xFFFFFFFFU, sum, 2);
    if (lane % 4 == 0) s.sum[warp][row] = sum;
  }
  sync();

  // Weighted values: this warp's quarter of the columns, page by page. Values past the last key of
  // its page are zero or old; pages that were not copied may hold anything.
  uint32_t w[kPagesPerChunk][4];
#pragma unroll
  for (int page = 0; page < kPagesPerChunk; ++page) {
    const int row = lane % 16;
    load_matrices(w[page],
                  s.weight + row * kChunk * 2 + unit_offset<kChunk * 2>(row, page * 2 + lane / 16));
  }
#pragma unroll
  for (int page = 0; page < kPagesPerChunk; ++page) {
    if (page * kPage >= valid) values[page].clear();
    values[page].add(r.value, w[page]);
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = lane / 4 + 8 * half;
    r.sum[half] = s.sum[0][row] + s.sum[1][row] + s.sum[2][row] + s.sum[3][row];
  }
  return r;
}

}  // namespace molgen3d::cuda::attention
