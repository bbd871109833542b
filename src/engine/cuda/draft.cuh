// Drafts of a sequence (engine/draft_law.h): made by one warp at the end of a step, met by the rows
// of logits of the next.
#pragma once

#include "engine/cuda/sample_task.cuh"

namespace molgen3d::cuda {

__device__ inline float sum_of_warp(float x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(0xFFFFFFFFU, x, step);
  return x;
}

/// Where drafts have come to in a sequence's numbers. Each lane holds all of it.
struct DraftPlace {
  const SampleArguments& a;
  const SlotState& state;
  geometry::ReaderState reader;
  BondLaw bond;
  geometry::Position closed;  ///< the atom of the last block that drafts closed
  uint32_t segment;

  __device__ DraftPlace(const SampleArguments& a, const SlotState& state)
      : a(a),
        state(state),
        reader(searched() ? state.search.reader : state.reader),
        segment(state.segment) {
    find_bond(segment);
  }
  __device__ bool searched() const { return state.geometry.set != nullptr; }
  /// Of the atom of hole `of`, if the one it is bonded to stands.
  __device__ void find_bond(uint32_t of) {
    bond.known = false;
    if (a.texts == nullptr) return;
    const int before = state.constraint.bonded_before[of];
    if (before < 0 || (!searched() && before >= static_cast<int>(kDraftAtoms))) return;
    bond.set(searched() ? state.geometry.memory.at[before] : state.at[before]);
  }
  /// After a draft; `to`: the segment then.
  __device__ void take(int token, uint32_t to) {
    if (a.texts == nullptr) return;
    if (geometry::read_token(reader, a.texts[token], a.numbers).closed)
      closed = {reader.value[0], reader.value[1], reader.value[2]};
    if (to == segment) return;
    // An atom that is bonded to the one just drafted; those before it stand.
    if (state.constraint.bonded_before[to] == static_cast<int>(segment)) {
      bond.set(closed);
    } else {
      find_bond(to);
    }
    segment = to;
  }
  __device__ float weight(int token) const {
    return bond.known ? bond.weight(reader, a.texts[token], a.numbers) : -1.0F;
  }
};

/// The edge that a draft at hole state `row` takes. All lanes of a warp call it and get it.
__device__ inline int draft_edge(const DraftPlace& place, uint32_t row, uint64_t key,
                                 int position) {
  const DeviceConstraint& c = place.state.constraint;
  const int begin = static_cast<int>(c.row_begin[row]);
  const int count = static_cast<int>(c.row_begin[row + 1]) - begin;
  const bool greedy = place.state.greedy != 0;
  constexpr int kEach = kDraftChoices / 32;
  int token[kEach];
  float law[kEach], weight[kEach], laws = 0, weights = 0;
#pragma unroll
  for (int k = 0; k < kEach; ++k) {
    const int i = static_cast<int>(threadIdx.x) % 32 + 32 * k;
    token[k] = i < count ? c.edge_token[begin + i] : -1;
    law[k] = i < count ? draft_law(place.a.drafts.share[begin + i], count) : 0;
    weight[k] = i < count ? place.weight(token[k]) : -1.0F;
    if (weight[k] < 0) continue;
    laws += law[k];
    weights += weight[k];
  }
  if (place.bond.known) {
    laws = sum_of_warp(laws);
    weights = sum_of_warp(weights);
  }
  float best_score = -INFINITY;
  int best = 0;
#pragma unroll
  for (int k = 0; k < kEach; ++k) {
    if (token[k] < 0) continue;
    const uint32_t noise =
        greedy ? 0
               : noise_bits(key, static_cast<uint32_t>(position), static_cast<uint32_t>(token[k]));
    const float mine = weight[k] < 0 ? law[k] : draft_law_of_bond(law[k], laws, weight[k], weights);
    const float score = draft_score(mine, greedy, noise);
    if (score > best_score) {
      best_score = score;
      best = static_cast<int>(threadIdx.x) % 32 + 32 * k;
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
  DraftPlace place(a, state);
  int drafted = 0, shadow = 0;
  for (;;) {
    int token = cursor.forced_token();
    if (token >= 0) {
      if (drafted >= most) break;
      cursor.take_forced();
      chain.add_forced();
    } else {
      const uint32_t row = cursor.row();
      if (static_cast<int>(c.row_begin[row + 1] - c.row_begin[row]) > kDraftChoices) break;
      const int edge = draft_edge(place, row, key, known + drafted - state.prompt_length);
      token = c.edge_token[edge];
      if (drafted >= most || !chain.add(draft_chance(a.drafts.tried[row], a.drafts.agreed[row]))) {
        shadow = known + drafted < state.limit ? 1 : 0;
        if (threadIdx.x == 0 && shadow != 0) tokens[known + drafted] = token;
        break;
      }
      cursor.take_edge(edge);
    }
    if (cursor.finished()) break;
    if (threadIdx.x == 0) tokens[known + drafted] = token;
    place.take(token, cursor.segment);
    ++drafted;
  }
  if (threadIdx.x == 0) {
    state.drafted = drafted;
    state.shadow = shadow;
  }
}

}  // namespace molgen3d::cuda
