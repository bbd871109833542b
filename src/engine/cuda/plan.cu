// One thread block decides, for every sequence, which of its known tokens this pass computes, and
// cuts the attention of the pass into items of similar size.
//
// Every sequence gets one row, but those that wait for their search; forced runs and prompts share
// what is left of the row budget. Results do not depend on the outcome, only the number of passes
// does. Bytes: 100 per sequence read, 60 written; time is the latency of a few dependent loads and
// scans, 2 - 3 us.
#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda {
namespace {

/// Sum of `value` over the threads before this one; `total` over all. Needs 33 words.
__device__ int exclusive_scan(int value, int* scratch, int& total) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  int sum = value;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const int other = __shfl_up_sync(0xFFFFFFFFU, sum, step);
    if (lane >= step) sum += other;
  }
  __syncthreads();
  if (lane == 31) scratch[warp] = sum;
  __syncthreads();
  const int warps = static_cast<int>(blockDim.x) / 32;
  if (warp == 0) {
    const int mine = lane < warps ? scratch[lane] : 0;
    int before = mine;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
      const int other = __shfl_up_sync(0xFFFFFFFFU, before, step);
      if (lane >= step) before += other;
    }
    scratch[lane] = before - mine;
    if (lane == 31) scratch[32] = before;
  }
  __syncthreads();
  total = scratch[32];
  return scratch[warp] + sum - value;
}

/// Chunks that the last token of the tile starting at group row `first` attends to.
__device__ int tile_chunks(int first, int rows, int group, int first_position) {
  const int last_token = min(rows - 1, (first + kTileRows - 1) / group);
  return (first_position + last_token) / kChunk + 1;
}

__global__ void __launch_bounds__(kMaxActive) plan_kernel(const __grid_constant__ PlanArguments a) {
  __shared__ int scratch[33];
  wait_for_previous_kernel();
  let_next_kernel_start();
  const int index = static_cast<int>(threadIdx.x);
  const int count = *a.active.count;

  int slot = 0, known = 0, cached = 0, drafted = 0, pending = 0;
  if (index < count) {
    slot = a.active.slots[index];
    const SlotState& state = a.slots[slot];
    known = state.known;
    cached = state.cached;
    drafted = state.drafted;
    pending = state.end == SlotEnd::kRunning && state.waits == 0 ? known + drafted - cached : 0;
  }
  const int base = min(pending, 1);
  const int wanted = min(pending, a.sequence_rows) - base;
  int base_total, wanted_total, row_total;
  exclusive_scan(base, scratch, base_total);
  const int before = exclusive_scan(wanted, scratch, wanted_total);
  const int rows = base + max(0, min(wanted, a.row_budget - base_total - before));
  const int first_row = exclusive_scan(rows, scratch, row_total);

  const int group_rows = rows * a.group, tiles = (group_rows + kTileRows - 1) / kTileRows;
  int chunks = 0, partial = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    const int n = tile_chunks(tile * kTileRows, rows, a.group, cached);
    chunks += n;
    partial += n * min(kTileRows, group_rows - tile * kTileRows);
  }
  int tile_total, chunk_total, partial_total, item_total;
  const int first_tile = exclusive_scan(tiles, scratch, tile_total);
  exclusive_scan(chunks, scratch, chunk_total);
  int partial_base = exclusive_scan(partial, scratch, partial_total);
  // A tile is cut only while the chip has idle blocks: into as many pieces as fill it once. Cutting
  // costs a merge, some 3 us, whatever the batch.
  const int pieces_wanted = tile_total > 0 ? a.attention_blocks / (tile_total * a.kv_heads) : 1;
  const bool whole =
      pieces_wanted < 2 || partial_total > a.partial_capacity || chunk_total > a.item_capacity;
  const int most_pieces = whole ? 1 : pieces_wanted;
  int items = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    items += min(most_pieces, tile_chunks(tile * kTileRows, rows, a.group, cached));
  }
  int item = exclusive_scan(items, scratch, item_total);
  // Logits after the last known token, and after each draft that this pass computes.
  const int outputs = rows > 0 ? max(0, cached + rows - known + 1) : 0;
  int output_total;
  const int first_output = exclusive_scan(outputs, scratch, output_total);

  if (index < count) {
    a.tables.sequence_rows[index] = rows;
    a.tables.first_output[index] = outputs > 0 ? first_output : -1;
    for (int i = 0; i < outputs; ++i)
      a.tables.output_row[first_output + i] = first_row + rows - outputs + i;
    const int* tokens = a.tokens + static_cast<size_t>(slot) * a.token_stride + cached;
    for (int i = 0; i < rows; ++i) {
      a.tables.row_token[first_row + i] = tokens[i];
      a.tables.row_place[first_row + i] = {slot, cached + i, cached, i};
    }
    for (int tile = 0; tile < tiles; ++tile) {
      const int n = tile_chunks(tile * kTileRows, rows, a.group, cached);
      const int pieces = min(most_pieces, n);
      AttentionItem out;
      out.slot = slot;
      out.first_row = first_row;
      out.rows = rows;
      out.first_position = cached;
      out.tile_row = tile * kTileRows;
      out.chunks = n;
      out.partial = partial_base;
      out.counter = first_tile + tile;
      out.items = pieces;
      out.padding = 0;
      for (int piece = 0; piece < pieces; ++piece) {
        out.chunk_begin = n * piece / pieces;
        out.chunk_end = n * (piece + 1) / pieces;
        a.tables.item[item++] = out;
      }
      partial_base += n * min(kTileRows, group_rows - tile * kTileRows);
    }
  }
  if (index == 0) {
    *a.tables.rows = row_total;
    *a.tables.items = item_total;
    *a.tables.outputs = output_total;
  }
}

}  // namespace

void plan_pass(const Stream& stream, const PlanArguments& arguments, int max_active) {
  const int threads = max_active <= 32 ? 32 : (max_active + 31) / 32 * 32;
  launch(stream, "plan", plan_kernel, dim3(1), dim3(static_cast<unsigned>(threads)), 0, arguments);
}

}  // namespace molgen3d::cuda
