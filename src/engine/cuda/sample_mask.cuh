// Which tokens a masked block may go on with (geometry/search.h), found by a thread block.
#pragma once

#include "engine/cuda/sample_task.cuh"

namespace molgen3d::cuda {

/// Most candidates of a hole state: Llama-3 has some 1,200. More are not masked.
inline constexpr int kMaskCapacity = 2048;

struct AllowedBits {
  uint32_t words[kMaskCapacity / 32];
  int any;
};

/// Fills `allowed` for a task of mode kListed. Every thread calls it.
template <int kThreads>
__device__ void find_allowed(SlotState& state, const Task& task, AllowedBits& allowed) {
  const int thread = static_cast<int>(threadIdx.x);
  geometry::Search search = search_of(state);
  uint32_t* feasible = state.geometry.memory.feasible;
  const bool wanted = search.wants_mask();
  const int candidates = geometry::candidate_count(search.mask_axis());
  __syncthreads();
  if (wanted) {
    // A word to a thread: its bits need no other.
    for (int word = thread; word < candidates / 32; word += kThreads) {
      uint32_t bits = 0;
      for (int bit = 0; bit < 32; ++bit) {
        if (search.feasible(word * 32 + bit)) bits |= 1U << bit;
      }
      feasible[word] = bits;
    }
    if (thread == 0) search.mask_made();
  }
  for (int word = thread; word < kMaskCapacity / 32; word += kThreads) allowed.words[word] = 0;
  if (thread == 0) allowed.any = 0;
  __syncthreads();
  for (int i = thread; i < task.count; i += kThreads) {
    if (!search.allows(task.ids[i])) continue;
    atomicOr(&allowed.words[i / 32], 1U << (i % 32));
    atomicOr(&allowed.any, 1);
  }
  __syncthreads();
}

}  // namespace molgen3d::cuda
