// Drafts of a sequence (engine/draft_law.h): made by one warp at the end of a step, met by the rows
// of logits of the next.
#pragma once

#include "engine/cuda/sample_task.cuh"

namespace molgen3d::cuda {

/// The edge that a draft at hole state `row` takes. All lanes of a warp call it and get it.
__device__ inline int draft_edge(const SampleArguments& a, const DeviceConstraint& c, uint32_t row,
                                 bool greedy, uint64_t key, int position) {
  const int begin = static_cast<int>(c.row_begin[row]);
  const int count = static_cast<int>(c.row_begin[row + 1]) - begin;
  float best_score = -INFINITY;
  int best = 0;
  for (int i = static_cast<int>(threadIdx.x) % 32; i < count; i += 32) {
    const uint32_t noise = greedy ? 0
                                  : noise_bits(key, static_cast<uint32_t>(position),
                                               static_cast<uint32_t>(c.edge_token[begin + i]));
    const float score = draft_score(a.drafts.share[begin + i], count, greedy, noise);
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    const float score = __shfl_xor_sync(0xFFFFFFFFU, best_score, step);
    const int index = __shfl_xor_sync(0xFFFFFFFFU, best, step);
    if (score > best_score || (score == best_score && index < best)) {
      best_score = score;
      best = index;
    }
  }
  return begin + best;
}

/// Drafts of the tokens after the last known one, as HostSequence::draft() makes them. One warp.
__device__ inline void make_drafts(const SampleArguments& a, SlotState& state, int* tokens) {
  const DeviceConstraint& c = state.constraint;
  const DraftGate gate = *a.gate;
  // The last token there is room for needs no row.
  const int known = state.known, most = min(gate.window, state.limit - known - 1);
  const uint64_t key = draw_key(state);
  TemplateCursor cursor{c, state.segment, state.node};
  DraftChain chain(gate, known - state.cached);
  int drafted = 0;
  while (drafted < most) {
    int token = cursor.forced_token();
    if (token >= 0) {
      cursor.take_forced();
      chain.add_forced();
    } else {
      const uint32_t row = cursor.row();
      const int count = static_cast<int>(c.row_begin[row + 1] - c.row_begin[row]);
      if (count > kDraftChoices) break;
      if (!chain.add(draft_chance(a.drafts.tried[row], a.drafts.agreed[row]))) break;
      const int edge =
          draft_edge(a, c, row, state.greedy != 0, key, known + drafted - state.prompt_length);
      token = c.edge_token[edge];
      cursor.take_edge(edge);
    }
    if (cursor.finished()) break;
    if (threadIdx.x == 0) tokens[known + drafted] = token;
    ++drafted;
  }
  if (threadIdx.x == 0) state.drafted = drafted;
}

}  // namespace molgen3d::cuda
