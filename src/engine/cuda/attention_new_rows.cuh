// What attention needs of new tokens before append.cu's work is in the cache: queries, keys and
// values normed and rotated in shared memory, keys and values put into copies of their pages.
#pragma once

#include "engine/cuda/attention_parts.cuh"
#include "engine/cuda/head_row.cuh"

namespace molgen3d::cuda::attention {

/// In shared memory: the queries of a tile, the new keys and values of its sequence.
template <typename L>
struct FreshRows {
  alignas(16) QueryRows<L> query;
  alignas(16) uint8_t row[kFusedRows][2][L::kRowBytes];  ///< key, value, as the cache holds them
  float scale[kFusedRows][2];                            ///< fp8
};

/// Makes them, one warp a row and head. Each block of the sequence makes the keys and values for
/// itself; that of its first tile also puts them into the cache.
template <typename L>
struct NewRows {
  static constexpr int kDim = L::kDim, kCount = Lane<kDim>::kCount;
  FreshRows<L>& s;
  const AttentionArguments& a;
  const AttentionItem& item;
  int head;  ///< key-value head
  int lane;
  int group, queries;  ///< query heads of a key-value head; rows of the tile

  __device__ __forceinline__ NewRows(FreshRows<L>& fresh, const AttentionArguments& arguments,
                                     const AttentionItem& of, int kv_head, int lane_index)
      : s(fresh),
        a(arguments),
        item(of),
        head(kv_head),
        lane(lane_index),
        group(a.heads / a.kv_heads),
        queries(min(kTileRows, item.rows * group - item.tile_row)) {}

  struct Row {
    HeadRow<kDim> head;
    HeadRole role;
    int token, query;  ///< `query`: row of the tile
    const Bf16* from;
    uint8_t* page;  ///< where the cache keeps it, or null
  };

  __device__ __forceinline__ int count() const { return queries + 2 * item.rows; }
  /// What does not depend on the kernel before.
  __device__ __forceinline__ Row find(int task) const {
    Row row;
    int source;
    row.page = nullptr;
    row.query = task;
    if (task < queries) {
      const int flat = item.tile_row + task;
      row.role = HeadRole::kQuery;
      row.token = flat / group;
      source = head * group + flat % group;
    } else {
      const bool is_value = (task - queries) % 2 != 0;
      row.role = is_value ? HeadRole::kValue : HeadRole::kKey;
      row.token = (task - queries) / 2;
      source = a.heads + (is_value ? a.kv_heads : 0) + head;
      if (item.tile_row == 0) {
        row.page = const_cast<uint8_t*>(
            page_address<L>(a, item, (item.first_position + row.token) / kPage, head));
      }
    }
    row.from = a.projected + static_cast<size_t>(item.first_row + row.token) * a.projected_stride +
               source * a.head_dim;
    row.head.load_constants(a, row.role, item.first_position + row.token, lane);
    return row;
  }
  __device__ __forceinline__ void finish(Row& row) const {
    HeadRow<kDim>& r = row.head;
    r.x = load_lane<kDim>(row.from, lane, a.head_dim);
    r.prepare(a, row.role, lane);
    if (row.role == HeadRole::kQuery) {
      const bool present = lane * kCount < a.head_dim;
      if constexpr (kCount == 1) {
        // Two lanes hold a pair.
        const float other = __shfl_down_sync(0xFFFFFFFFU, r.x.v[0], 1);
        if (lane % 2 == 0) {
          s.query.put(row.query, lane / 2, present ? pack_bf16(r.x.v[0], other) : 0);
        }
      } else {
#pragma unroll
        for (int i = 0; i < kCount; i += 2) {
          s.query.put(row.query, (lane * kCount + i) / 2,
                      present ? pack_bf16(r.x.v[i], r.x.v[i + 1]) : 0);
        }
      }
      return;
    }
    const bool is_value = row.role == HeadRole::kValue;
    const PackedLane<L> packed(r.x);
    *reinterpret_cast<typename PackedLane<L>::Type*>(s.row[row.token][is_value] +
                                                     lane * PackedLane<L>::kBytes) = packed.word;
    if (lane == 0) s.scale[row.token][is_value] = packed.scale;
    if (row.page == nullptr) return;
    const int position = item.first_position + row.token, key = position % kPage;
    packed.store(row.page, is_value, key, lane);
    // A page begun in this pass: values that are not there yet must not be NaN.
    if (is_value && row.token + 1 == item.rows && position - key >= item.first_position) {
      clear_values_after<L>(row.page, key, lane);
    }
  }

  /// Puts new keys and values into the copy of a page that was made without them, and zeros behind
  /// the last value. One warp.
  __device__ __forceinline__ void patch(uint8_t* page, int first_position) const {
    const int end = min(item.first_position + item.rows - first_position, kPage);
    const int begin = max(item.first_position - first_position, 0);
    for (int i = lane; i < (end - begin) * 2 * L::kUnits; i += 32) {
      const int unit = i % L::kUnits, is_value = i / L::kUnits % 2;
      const int key = begin + i / (2 * L::kUnits);
      const int token = first_position + key - item.first_position;
      *reinterpret_cast<uint4*>(page + is_value * L::kValues + key * L::kRowBytes +
                                unit_offset<L::kRowBytes>(key, unit)) =
          *reinterpret_cast<const uint4*>(s.row[token][is_value] + unit * 16);
      if (L::kFp8 && unit == 0) {
        *reinterpret_cast<float*>(page + L::scale_offset(is_value * kPage + key)) =
            s.scale[token][is_value];
      }
    }
    clear_values_after<L>(page, end - 1, lane);
    __syncwarp();
  }
};

}  // namespace molgen3d::cuda::attention
