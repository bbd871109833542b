// One chunk of one tile of attention, by one warp: scores, weights, weighted values, page by page.
#pragma once

#include "engine/cuda/attention_layout.cuh"
#include "engine/cuda/gemm.h"
#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda::attention {

constexpr int kWarps = 4;  ///< that multiply, a chunk each
constexpr int kMultiplyThreads = kWarps * 32;

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

/// The queries of a tile in shared memory, in 16 bits, as the matrix units take them; rows that a
/// tile does not have are ignored. In fp8 a lane gets four neighbouring elements of a row where it
/// gets two and two else: the keys, byte by byte, come so, and a product does not mind in which
/// order its terms are.
template <typename L>
struct QueryRows {
  static constexpr int kRowBytes = L::kDim * 2;
  uint8_t bytes[kTileRows * kRowBytes];

  __device__ __forceinline__ void clear(int thread) {
    for (int i = thread; i < static_cast<int>(sizeof(bytes)) / 16; i += kMultiplyThreads) {
      reinterpret_cast<uint4*>(bytes)[i] = {0, 0, 0, 0};
    }
  }
  /// Elements 2 pair and 2 pair + 1 of a row.
  __device__ __forceinline__ void put(int row, int pair, uint32_t bf16) {
    int unit = pair / 4, word = pair % 4;
    if constexpr (L::kFp8) {
      unit = pair / 8 * 2 + pair % 2;
      word = pair % 8 / 2;
      const float2 x = __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&bf16));
      bf16 = pack_f16(x.x, x.y);
    }
    *reinterpret_cast<uint32_t*>(bytes + row * kRowBytes + unit_offset<kRowBytes>(row, unit) +
                                 word * 4) = bf16;
  }
};
/// Them as second operands: words of elements 16 i ...
template <typename L>
struct Queries {
  uint32_t operand[L::kDim / 16][2];

  __device__ __forceinline__ void load(const QueryRows<L>& rows, int lane) {
    constexpr int kRowBytes = QueryRows<L>::kRowBytes;
    const int row = lane % 8;
#pragma unroll
    for (int i = 0; i < L::kDim / 32; ++i) {
      uint32_t r[4];
      load_matrices(r,
                    rows.bytes + row * kRowBytes + unit_offset<kRowBytes>(row, 4 * i + lane / 8));
      operand[2 * i][0] = r[0], operand[2 * i][1] = r[1];
      operand[2 * i + 1][0] = r[2], operand[2 * i + 1][1] = r[3];
    }
  }
};

/// Brings the queries of tiles, normed and rotated, from memory to shared memory, each thread's
/// first two elements one tile ahead.
template <typename L>
struct QueryLoader {
  static constexpr int kPairs = L::kDim / 2;
  const AttentionArguments& a;
  int thread;
  uint32_t ahead = 0;

  __device__ __forceinline__ uint32_t load(const AttentionItem& item, int head, int task) const {
    const int group = a.heads / a.kv_heads, flat = item.tile_row + task / kPairs;
    const int pair = task % kPairs;
    if (flat >= item.rows * group || 2 * pair >= a.head_dim) return 0;
    return __ldcg(reinterpret_cast<const uint32_t*>(
        a.projected + static_cast<size_t>(item.first_row + flat / group) * a.projected_stride +
        (head * group + flat % group) * a.head_dim + 2 * pair));
  }
  __device__ __forceinline__ void load_ahead(const AttentionItem& item, int head) {
    ahead = load(item, head, thread);
  }
  __device__ __forceinline__ void put(QueryRows<L>& queries, const AttentionItem& item, int head,
                                      int rows) const {
    for (int task = thread; task < rows * kPairs; task += kMultiplyThreads) {
      queries.put(task / kPairs, task % kPairs, task == thread ? ahead : load(item, head, task));
    }
  }
};

/// Running softmax of one row: maximum (base 2), sum of weights.
struct Running {
  float maximum = -INFINITY, sum = 0;
};
/// Merges another part's maximum and sum; returns the factors of the old and the new weighted
/// values. Pages, chunks and parts of tiles are merged in order and by this function alone,
/// wherever it happens: so the bits do not depend on who computes what.
__device__ __forceinline__ float2 merge(Running& r, float maximum, float sum) {
  const float top = fmaxf(r.maximum, maximum);
  const float base = top == -INFINITY ? 0.0F : top;  // no key that the row sees
  const float2 factor = {exp2f(r.maximum - base), exp2f(maximum - base)};
  r.sum = __fmaf_rn(r.sum, factor.x, __fmul_rn(sum, factor.y));
  r.maximum = top;
  return factor;
}
__device__ __forceinline__ float merge_value(float old_value, float new_value, float2 factor) {
  return __fmaf_rn(old_value, factor.x, __fmul_rn(new_value, factor.y));
}

/// Pages of a tile, merged by one warp: what every lane keeps of rows 2 (lane % 4) and the next.
/// Keys and values are the first operands of the products, rows of the tile the columns: few rows
/// waste little.
template <typename L>
struct PartResult {
  Running running[2];
  float value[L::kDim / 16][4] = {};  ///< [n][2 h + row]: column value_column(n, h)
};
template <typename L>
__device__ __forceinline__ int value_column(int n, int h, int lane) {
  return L::kFp8 ? n * 16 + lane / 4 * 2 + h : n * 16 + h * 8 + lane / 4;
}

/// What a lane must know of its two rows of a tile.
struct TileRows {
  int last_position[2];  ///< of the keys that each row sees
  float scale;

  __device__ __forceinline__ TileRows(const AttentionArguments& a, const AttentionItem& item,
                                      int rows, int lane)
      : scale(1.44269504F * rsqrtf(static_cast<float>(a.head_dim))) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const int row = min(lane % 4 * 2 + j, rows - 1);
      last_position[j] = item.first_position + (item.tile_row + row) / (a.heads / a.kv_heads);
    }
  }
};

/// score[2 h + row] = keys lane / 4 + 8 h of a page x queries. All keys are on their way before the
/// first product; the two halves of a row are summed apart, which halves the chain of products.
template <typename L>
__device__ __forceinline__ void score_keys(float (&score)[4], const Queries<L>& queries,
                                           const uint8_t* page, int lane) {
  constexpr int kLoads = L::kUnits / 2;
  uint32_t k[kLoads][4];
  const int key = lane % 16;
#pragma unroll
  for (int i = 0; i < kLoads; ++i) {
    load_matrices(k[i],
                  page + key * L::kRowBytes + unit_offset<L::kRowBytes>(key, 2 * i + lane / 16));
  }
  float odd[4] = {};
#pragma unroll
  for (int i = 0; i < kLoads; ++i) {
    if constexpr (L::kFp8) {
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        const uint32_t low = k[i][2 * m], high = k[i][2 * m + 1];  // keys 0 - 7, 8 - 15
        const uint32_t x[4] = {f16_of_e4m3(low), f16_of_e4m3(high), f16_of_e4m3(low >> 16),
                               f16_of_e4m3(high >> 16)};
        const uint32_t(&q)[2] = queries.operand[2 * i + m];
        multiply_add_f16(m == 0 ? score : odd, x, q[0], q[1]);
      }
    } else {
      multiply_add(i % 2 == 0 ? score : odd, k[i], queries.operand[i][0], queries.operand[i][1]);
    }
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) score[i] += odd[i];
}

/// r.value = r.value x factor + (weights of a page's 16 keys x their values) x factor.
template <typename L>
__device__ __forceinline__ void add_values(PartResult<L>& r, const uint32_t (&w)[2],
                                           const float2 (&factor)[2], const uint8_t* page,
                                           int lane) {
  const auto merge_tile = [&](float(&value)[4], const uint32_t(&operand)[4]) {
    float x[4] = {};
    if constexpr (L::kFp8) {
      multiply_add_f16(x, operand, w[0], w[1]);
    } else {
      multiply_add(x, operand, w[0], w[1]);
    }
#pragma unroll
    for (int c = 0; c < 4; ++c) value[c] = merge_value(value[c], x[c], factor[c % 2]);
  };
  constexpr int kLoads = L::kUnits / 2;
  uint32_t v[kLoads][4];
  const int key = L::kFp8 ? lane % 16 : lane % 8 + lane / 16 * 8;
  const int unit = L::kFp8 ? lane / 16 : lane / 8 % 2;
#pragma unroll
  for (int i = 0; i < kLoads; ++i) {
    load_matrices_transposed(v[i], page + L::kValues + key * L::kRowBytes +
                                       unit_offset<L::kRowBytes>(key, 2 * i + unit));
  }
#pragma unroll
  for (int i = 0; i < kLoads; ++i) {
    if constexpr (L::kFp8) {
      // Transposed by pairs of bytes: a lane got two columns of two keys, even and odd ones.
#pragma unroll
      for (int m = 0; m < 2; ++m) {
        const uint32_t low = v[i][2 * m], high = v[i][2 * m + 1];  // keys 0 - 7, 8 - 15
        merge_tile(
            r.value[2 * i + m],
            {f16_of_e4m3(__byte_perm(low, 0, 0x4420)), f16_of_e4m3(__byte_perm(low, 0, 0x4431)),
             f16_of_e4m3(__byte_perm(high, 0, 0x4420)), f16_of_e4m3(__byte_perm(high, 0, 0x4431))});
      }
    } else {
      merge_tile(r.value[i], v[i]);
    }
  }
}

/// Over the eight lanes that hold the same rows.
__device__ __forceinline__ float row_maximum(float x) {
#pragma unroll
  for (int step = 4; step < 32; step *= 2) x = fmaxf(x, __shfl_xor_sync(0xFFFFFFFFU, x, step));
  return x;
}
__device__ __forceinline__ float row_sum(float x) {
#pragma unroll
  for (int step = 4; step < 32; step *= 2) x += __shfl_xor_sync(0xFFFFFFFFU, x, step);
  return x;
}

/// Merges a page of keys and values into a part. Values past the last key of the page are zero or
/// old.
template <typename L>
__device__ __forceinline__ void add_page(PartResult<L>& r, const Queries<L>& queries,
                                         const uint8_t* page, const TileRows& tile,
                                         int first_position, int lane) {
  float score[4] = {};
  score_keys(score, queries, page, lane);
  float weight[4];  // as score
  float2 factor[2];
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    float top = -INFINITY;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int key = lane / 4 + 8 * h;
      float scale = tile.scale;
      if constexpr (L::kFp8) {
        scale *= *reinterpret_cast<const float*>(page + L::scale_offset(key));
      }
      float& x = score[2 * h + j];
      x = first_position + key <= tile.last_position[j] ? x * scale : -INFINITY;
      top = fmaxf(top, x);
    }
    top = row_maximum(top);
    const float base = top == -INFINITY ? 0.0F : top;
    weight[j] = exp2f(score[j] - base);
    weight[2 + j] = exp2f(score[2 + j] - base);
    factor[j] = merge(r.running[j], top, row_sum(weight[j] + weight[2 + j]));
  }
  uint32_t w[2];  // keys 0 - 7, 8 - 15
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    float x0 = weight[2 * h], x1 = weight[2 * h + 1];
    if constexpr (L::kFp8) {
      // The values' scales; those past the last key may be anything.
      const float scale =
          *reinterpret_cast<const float*>(page + L::scale_offset(kPage + lane / 4 + 8 * h));
      x0 = x0 == 0 ? 0 : x0 * scale;
      x1 = x1 == 0 ? 0 : x1 * scale;
      w[h] = transposed(pack_f16(x0, x1));
    } else {
      w[h] = transposed(pack_bf16(x0, x1));
    }
  }
  add_values<L>(r, w, factor, page, lane);
}

}  // namespace molgen3d::cuda::attention
