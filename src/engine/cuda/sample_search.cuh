// What follows a token of a sequence that is kept inside a hard set: judgements of the blocks that
// close, and the forced run.
#pragma once

#include "engine/cuda/sample_mask.cuh"

namespace molgen3d::cuda {

/// Copies the words of a pending judgement between its slot and shared memory.
template <int kThreads>
__device__ void copy_projection(int32_t* to, const int32_t* from, int words) {
  for (int i = static_cast<int>(threadIdx.x); i < words; i += kThreads) to[i] = from[i];
  __syncthreads();
}

/// What the sequence is at when follow_search() is called.
enum class SearchStart { kToken, kDeadEnd, kPending };

/// Judges every block that closes and takes what is forced after it; every thread calls it, one
/// writes. A judgement that takes more than `rounds` of projection stays pending: the sequence
/// waits until it is made, and with `rounds` 0 for its masks too.
template <int kThreads>
__device__ __noinline__ void follow_search(Writer& writer, SearchStart start, int rounds) {
  __shared__ int32_t shared[geometry::projection_words(kSharedProjectionAtoms)];
  const bool first = threadIdx.x == 0;
  const BlockCrew<kThreads> crew{static_cast<int>(threadIdx.x)};
  SlotState& state = writer.state;
  const int atoms = geometry::HardSetView(state.geometry.set).atoms();
  const int words = atoms <= kSharedProjectionAtoms ? geometry::projection_words(atoms) : 0;
  int32_t* const own = state.geometry.memory.projection;
  geometry::Search search = search_of(state, words > 0 ? shared : nullptr);
  if (start == SearchStart::kPending) copy_projection<kThreads>(shared, own, words);
  for (;;) {
    if (start == SearchStart::kToken) {
      if (first) {
        while (!writer.block_closed && writer.a.merge_forced != 0 &&
               state.end == SlotEnd::kRunning && writer.take_forced()) {
        }
      }
      if (!crew.any(first && writer.block_closed)) break;
    }
    const geometry::Judgement judgement = start == SearchStart::kDeadEnd
                                              ? search.judge_dead_end(crew, rounds)
                                              : search.judge(crew, rounds);
    __syncthreads();
    if (first) {
      writer.block_closed = false;
      writer.follow(search.settle(judgement, writer.here()));
    }
    start = SearchStart::kToken;
    __syncthreads();
    if (!judgement.pending) continue;
    if (rounds > 0) copy_projection<kThreads>(own, shared, words);
    break;
  }
  // What was thrown away is not cached; the literals after a mark are the same again.
  if (first && state.end == SlotEnd::kRunning) state.cached = min(state.cached, state.known - 1);
  if (first) state.waits = search.pending() || (rounds == 0 && search.wants_mask()) ? 1 : 0;
}

}  // namespace molgen3d::cuda
