// Queries, keys and values of the new rows: q/k norms and rotary embedding, queries back in place,
// keys and values into the cache. One warp per row and head.
//
// Bytes per row and head: 2 x dim read, 2 x dim written, 4 x dim of rotation and norm weights
// (cached). Operations: about 10 x dim. Its time is one round of loads: all are issued before any
// is used.
#include "engine/cuda/head_row.cuh"

namespace molgen3d::cuda {
namespace {

using namespace attention;

constexpr int kWarpsPerBlock = 4;

template <typename L>
__global__ void __launch_bounds__(kWarpsPerBlock * 32)
    append_kernel(const __grid_constant__ AttentionArguments a) {
  constexpr int kDim = L::kDim, kCount = Lane<kDim>::kCount;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = static_cast<int>(blockIdx.x);
  const int head =
      static_cast<int>(blockIdx.y) * kWarpsPerBlock + static_cast<int>(threadIdx.x) / 32;
  const int dim = a.head_dim;
  // Tables of the pass and constants.
  const bool present = row < load_shared_word(a.row_count) && head < a.heads + 2 * a.kv_heads;
  RowPlace place = {};
  if (present)
    *reinterpret_cast<int4*>(&place) = __ldcg(reinterpret_cast<const int4*>(a.row_place + row));
  const HeadRole role = head < a.heads                ? HeadRole::kQuery
                        : head < a.heads + a.kv_heads ? HeadRole::kKey
                                                      : HeadRole::kValue;
  HeadRow<kDim> r;
  uint8_t* page = nullptr;
  if (present) {
    r.load_constants(a, role, place.position, lane);
    if (role != HeadRole::kQuery) {
      const uint32_t id =
          a.pages[static_cast<size_t>(place.slot) * a.page_stride + place.position / kPage];
      page = reinterpret_cast<uint8_t*>(a.cache) +
             (static_cast<size_t>(id) * a.kv_heads + (head - a.heads) % a.kv_heads) * L::kPageBytes;
    }
  }
  meet_previous_kernel(a.early_start);
  if (!present) return;

  Bf16* data = a.projected + static_cast<size_t>(row) * a.projected_stride + head * dim;
  r.x = load_lane<kDim>(data, lane, dim);
  r.prepare(a, role, lane);
  if (role == HeadRole::kQuery) {
    if (lane * kCount < dim) store_lane<kDim>(data + lane * kCount, r.x);
    return;
  }
  const int slot = place.position % kPage;
  PackedLane<L>(r.x).store(page, role == HeadRole::kValue, slot, lane);
  // A page begun in this pass.
  const bool last =
      row + 1 == load_shared_word(a.row_count) || __ldcg(&a.row_place[row + 1].slot) != place.slot;
  if (role == HeadRole::kValue && last && place.position - slot >= place.first_position) {
    clear_values_after<L>(page, slot, lane);
  }
}

}  // namespace

void append(const Stream& stream, const AttentionArguments& a, int max_rows) {
  const int heads = a.heads + 2 * a.kv_heads;
  const dim3 grid(static_cast<unsigned>(max_rows),
                  static_cast<unsigned>((heads + kWarpsPerBlock - 1) / kWarpsPerBlock));
  with_layout(a.head_dim, a.fp8, [&](auto layout) {
    launch(stream, "append", append_kernel<decltype(layout)>, grid, dim3(kWarpsPerBlock * 32), 0,
           a);
  });
}

}  // namespace molgen3d::cuda
