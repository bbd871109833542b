// Shared memory of the attention kernel, and its way of appending: new keys and values of decoding
// sequences without a kernel of their own.
#pragma once

#include "engine/cuda/attention_parts.cuh"
#include "engine/cuda/head_row.cuh"

namespace molgen3d::cuda::attention {

constexpr int kMultiplyThreads = kWarps * 32;
constexpr int kThreads = kMultiplyThreads + 32;
constexpr int kBlocksPerMultiprocessor = 2;
constexpr int kNewRows = 8;  ///< most new tokens of a sequence that attention itself appends

template <typename L>
struct Shared {
  static constexpr int kStages = L::kFp8 ? 5 : 3;  ///< chunks in flight
  uint8_t stage[kStages][L::kStageBytes];
  ChunkScratch chunk;
  uint8_t query[16 * L::kDim * 2];             ///< bf16 rows, their units as unit_offset() says
  uint8_t fresh[kNewRows * 2 * L::kRowBytes];  ///< new tokens: key, value
  float fresh_scale[kNewRows * 2];
  uint64_t copied[kStages], freed[kStages];
  int last;
};

#if __CUDA_ARCH__ >= 900

/// New keys and values of decoding sequences: normed, rotated, into the cache and into the chunks
/// that are already on their way here. A sequence's new rows fit one tile.
template <typename L>
struct Appender {
  static constexpr int kDim = L::kDim;
  static constexpr int kCount = Lane<kDim>::kCount;
  Shared<L>& s;
  const AttentionArguments& a;
  int group, warp, lane;
  LaneWord<kDim> ahead = {};  ///< this warp's first row of the next item
  uint32_t page_ahead = 0;    ///< page of that item's first new token

  __device__ __forceinline__ HeadRole role_of(int part) const {
    return part < group ? HeadRole::kQuery : part == group ? HeadRole::kKey : HeadRole::kValue;
  }
  /// Each token has the query heads of the group, a key and a value; warps take them in turn.
  __device__ __forceinline__ LaneWord<kDim> load(const AttentionItem& item, int head,
                                                 int task) const {
    const int token = task / (group + 2), part = task % (group + 2);
    const int at = part < group    ? head * group + part
                   : part == group ? a.heads + head
                                   : a.heads + a.kv_heads + head;
    if (token >= item.rows) return {};
    return load_word<kDim>(a.projected +
                               static_cast<size_t>(item.first_row + token) * a.projected_stride +
                               at * a.head_dim,
                           lane, a.head_dim);
  }
  __device__ __forceinline__ uint32_t page_id(const AttentionItem& item, int position) const {
    return a.pages[static_cast<size_t>(item.slot) * a.page_stride + position / kPage];
  }
  __device__ __forceinline__ uint8_t* page_of(uint32_t id, int head) const {
    return static_cast<uint8_t*>(a.cache) +
           (static_cast<size_t>(id) * a.kv_heads + head) * L::kPageBytes;
  }
  __device__ __forceinline__ void load_ahead(const AttentionItem& item, int head) {
    ahead = load(item, head, warp);
    page_ahead = page_id(item, item.first_position);
  }

  /// Asks for the constants of an item's first row; before the kernel before has ended.
  __device__ __forceinline__ void warm(const AttentionItem& item) const {
    const Bf16* norm = role_of(warm_part()) == HeadRole::kQuery ? a.query_norm : a.key_norm;
    if (norm != nullptr && lane < L::kDim / 64) prefetch_near(norm + lane * 64);
    const float2* turns =
        a.rotation + static_cast<size_t>(item.first_position) * (a.head_dim / 2) + lane * 16;
    if (lane * 16 < a.head_dim / 2) prefetch_near(turns);
  }
  __device__ __forceinline__ int warm_part() const { return warp % (group + 2); }

  /// Queries into shared memory; keys and values there and, if they lie in this item's chunks, into
  /// the cache. To be followed by a barrier.
  __device__ __forceinline__ void prepare(const AttentionItem& item, int head) {
    for (int task = warp; task < item.rows * (group + 2); task += kWarps) {
      const int token = task / (group + 2), part = task % (group + 2);
      const int position = item.first_position + token, chunk = position / kChunk;
      const HeadRole role = role_of(part);
      HeadRow<kDim> r;
      r.load_constants(a, role, position, lane);
      r.x = unpack_word<kDim>(task == warp ? ahead : load(item, head, task));
      r.prepare(a, role, lane);
      if (role == HeadRole::kQuery) {
        const int row = token * group + part, unit = lane * kCount / 8;
        store_lane<kDim>(
            reinterpret_cast<Bf16*>(s.query + row * kDim * 2 + unit_offset<kDim * 2>(row, unit) +
                                    lane * kCount % 8 * 2),
            r.x);
        continue;
      }
      const bool is_value = role == HeadRole::kValue;
      const PackedLane<L> packed(r.x);
      const int fresh = token * 2 + (is_value ? 1 : 0);
      *reinterpret_cast<typename PackedLane<L>::Type*>(s.fresh + fresh * L::kRowBytes +
                                                       lane * PackedLane<L>::kBytes) = packed.word;
      if (lane == 0) s.fresh_scale[fresh] = packed.scale;
      if (chunk < item.chunk_begin || chunk >= item.chunk_end) continue;
      const bool same_page = position / kPage == item.first_position / kPage;
      packed.store(page_of(same_page ? page_ahead : page_id(item, position), head), is_value,
                   position % kPage, lane);
    }
  }

  /// Puts the new keys and values into a chunk that was copied without them, and zeros behind the
  /// last value of its page, here and, if the page is new, in the cache: they are read with weight
  /// zero and must not be NaN. To be followed by a barrier.
  __device__ __forceinline__ void patch(uint8_t* stage, const AttentionItem& item, int head,
                                        int chunk) const {
    const int start = chunk * kChunk, end = item.first_position + item.rows;
    const int first = max(item.first_position, start), last = min(end, start + kChunk);
    const int thread = static_cast<int>(threadIdx.x);
    for (int i = thread; i < (last - first) * 2 * L::kUnits; i += kMultiplyThreads) {
      const int unit = i % L::kUnits, is_value = i / L::kUnits % 2;
      const int key = first - start + i / (2 * L::kUnits);
      const int fresh = (key + start - item.first_position) * 2 + is_value;
      *reinterpret_cast<uint4*>(stage + L::key_offset(key) + is_value * L::kValues +
                                unit_offset<L::kRowBytes>(key, unit)) =
          *reinterpret_cast<const uint4*>(s.fresh + fresh * L::kRowBytes + unit * 16);
      if (L::kFp8 && unit == 0) {
        reinterpret_cast<float*>(stage + L::scale_offset(key))[is_value * kPage] =
            s.fresh_scale[fresh];
      }
    }
    const int page_end = (last + kPage - 1) / kPage * kPage;
    if (last == end) {
      const bool begun = page_end - kPage >= item.first_position;
      uint8_t* page = begun ? page_of(page_id(item, page_end - kPage), head) : nullptr;
      uint8_t* copy = stage + L::key_offset(page_end - kPage - start);
      for (int i = thread; i < (page_end - last) * L::kUnits; i += kMultiplyThreads) {
        const int key = (last + i / L::kUnits) % kPage, unit = i % L::kUnits;
        clear_value_unit<L>(copy, key, unit);
        if (begun) clear_value_unit<L>(page, key, unit);
      }
    }
  }
};

#endif

}  // namespace molgen3d::cuda::attention
