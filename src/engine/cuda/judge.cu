// What sequences wait for that are kept inside a hard set (geometry/search.h): judgements of blocks
// and masks, one thread block per sequence. It is made beside the pass of the others: the plan
// leaves those sequences out, and nothing of the pass reads them.
//
// Bytes: a molecule's hard set, some 4 KB for 25 atoms, from the cache in each round of projection;
// time is the latency of the rounds, some 6 us each.
#include "engine/cuda/sample_search.cuh"

namespace molgen3d::cuda {
namespace {

/// Rounds of projection that one sequence may make beside one pass: 200 us, less than the pass of a
/// small model. 8, 16, 24 and 48 make steps as long; 96 hold them up (bench/gpu/geometry.md).
constexpr int kRoundsBeside = 32;
constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    judge_kernel(const __grid_constant__ SampleArguments a) {
  const int index = static_cast<int>(blockIdx.x);
  if (index >= *a.active.count) return;
  const int slot = a.active.slots[index];
  SlotState& state = a.slots[slot];
  if (state.waits == 0) return;
  if (search_of(state).pending()) {
    Writer writer{state, a.tokens + static_cast<size_t>(slot) * a.token_stride, a};
    follow_search<kThreads>(writer, SearchStart::kPending, kRoundsBeside);
  }
  __syncthreads();
  const bool pending = search_of(state).pending();
  if (!pending && state.end == SlotEnd::kRunning && search_of(state).wants_mask())
    make_mask<kThreads>(state);
  if (threadIdx.x == 0) state.waits = pending ? 1 : 0;
}

}  // namespace

void judge(const Stream& stream, const SampleArguments& a, int max_active) {
  launch(stream, "judge", judge_kernel, dim3(static_cast<unsigned>(max_active)), dim3(kThreads), 0,
         a);
}

}  // namespace molgen3d::cuda
