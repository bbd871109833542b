// Which tokens a masked block may go on with (geometry/search.h), found by a thread block.
#pragma once

#include "engine/cuda/sample_task.cuh"

namespace molgen3d::cuda {

/// Most candidates of a hole state: Llama-3 has some 1,200. More are not masked.
inline constexpr int kMaskCapacity = 2048;

/// The thread block as geometry::Search wants it.
template <int kThreads>
struct BlockCrew {
  int rank, size = kThreads;
  __device__ bool any(bool value) const { return __syncthreads_or(value ? 1 : 0) != 0; }
  __device__ void add(int32_t* to, int32_t value) const { atomicAdd(to, value); }
};

struct AllowedBits {
  uint32_t words[kMaskCapacity / 32];
  int any;
  int longest;  ///< characters of an allowed token
};

/// Finds the candidates of the number being written. Every thread calls it.
template <int kThreads>
__device__ void make_mask(SlotState& state) {
  const int thread = static_cast<int>(threadIdx.x);
  geometry::Search search = search_of(state);
  uint32_t* feasible = state.geometry.memory.feasible;
  const int candidates = geometry::candidate_count(search.mask_axis());
  for (int word = thread; word < geometry::kMaskWords; word += kThreads) feasible[word] = 0;
  __syncthreads();
  for (int k = thread; k < candidates; k += kThreads) {
    int bins[2];
    search.bins_of(k, bins);
    for (const int bin : bins) {
      if (bin >= 0) atomicOr(feasible + bin / 32, 1U << (bin % 32));
    }
  }
  __syncthreads();
  if (thread == 0) search.mask_made();
}

/// Fills `allowed` for a task of mode kListed. Every thread calls it.
template <int kThreads>
__device__ void find_allowed(SlotState& state, const Task& task, AllowedBits& allowed) {
  const int thread = static_cast<int>(threadIdx.x);
  geometry::Search search = search_of(state);
  for (int word = thread; word < kMaskCapacity / 32; word += kThreads) allowed.words[word] = 0;
  if (thread == 0) allowed.any = allowed.longest = 0;
  const bool wanted = search.wants_mask();
  __syncthreads();
  if (wanted) make_mask<kThreads>(state);
  __syncthreads();
  for (int i = thread; i < task.count; i += kThreads) {
    if (!search.allows(task.ids[i])) continue;
    atomicOr(&allowed.words[i / 32], 1U << (i % 32));
    atomicOr(&allowed.any, 1);
    if (search.wants_longest()) atomicMax(&allowed.longest, search.length_of(task.ids[i]));
  }
  __syncthreads();
  if (!search.wants_longest()) return;
  for (int i = thread; i < task.count; i += kThreads) {
    if (search.length_of(task.ids[i]) < allowed.longest)
      atomicAnd(&allowed.words[i / 32], ~(1U << (i % 32)));
  }
  __syncthreads();
}

}  // namespace molgen3d::cuda
