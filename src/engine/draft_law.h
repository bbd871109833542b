// Drafts: tokens that stand in for those the model has not chosen yet, so that one pass can compute
// several rows of a sequence. A draft is drawn with the very noise of the token it stands for
// (engine/noise.h), and kept only if the model's own draw is the same token: the answer is bit for
// bit the one without drafts, whatever law drafts are drawn from. Host and device.
//
// Never accept by u < p/q with shared noise: that changes the law. The chance that two Gumbel-max
// draws with common noise agree is sum_i 1 / sum_j max(p_j / p_i, q_j / q_i) (Daliri, Musco,
// Suresh, Coupling without Communication and Drafter-Invariant Speculative Decoding, 2024).
#pragma once

#include <cmath>
#include <cstdint>

#include "base/host_device.h"
#include "engine/bond_law.h"
#include "engine/gumbel.h"
#include "engine/request.h"

namespace molgen3d {

/// States of more legal tokens are not drafted: a law of hundreds of tokens agrees too seldom.
inline constexpr int kDraftChoices = 64;

/// What was learnt of the draws at each state of a hole automaton: arrays of its states and edges.
struct DraftTables {
  float* share = nullptr;      ///< [edges] sum of the model's shares at the temperature
  uint32_t* tried = nullptr;   ///< [states] draws that a draft was compared with
  uint32_t* agreed = nullptr;  ///< [states] those where it was the same token
};

/// Chance that a draft at a state agrees, from what was seen; 1/2 before anything was.
MOLGEN3D_HOST_DEVICE inline float draft_chance(uint32_t tried, uint32_t agreed) {
  return (static_cast<float>(agreed) + 1.0F) / (static_cast<float>(tried) + 2.0F);
}

/// The law of a draft of an edge of `choices`: the mean of the shares seen, as if the uniform one
/// had been seen once before. A multiple of it.
MOLGEN3D_HOST_DEVICE inline float draft_law(float share, int choices) {
  return share + 1.0F / static_cast<float>(choices);
}

/// The same where the bond to an earlier atom has something to say (bond_law.h): `weight`, of edges
/// whose weights sum to `weights` and whose laws sum to `laws`.
MOLGEN3D_HOST_DEVICE inline float draft_law_of_bond(float law, float laws, float weight,
                                                    float weights) {
  return weights > 1e-6F ? kBondShare * laws * weight / weights + (1 - kBondShare) * law : law;
}

/// What a draft maximises. Rounding is free here: no answer depends on it.
MOLGEN3D_HOST_DEVICE inline float draft_score(float law, bool greedy, uint32_t noise) {
  if (greedy) return law;
  // -log(-log u) in single precision; 1 - u keeps the upper tail, where the largest scores are.
  const float below = (static_cast<float>(noise) + 0.5F) * 0x1p-32F;
  const float above = (static_cast<float>(~noise) + 0.5F) * 0x1p-32F;
  return logf(law) - logf(noise < 0x80000000U ? -logf(below) : -log1pf(-above));
}

/// `base_rows` of a gate that nothing but the window closes.
inline constexpr float kEveryDraftPays = 1e30F;

/// How far a sequence drafts. Costs are in rows: what one row more takes of a pass.
struct DraftGate {
  int window = 0;       ///< most drafts of a sequence and pass; 0: none
  float base_rows = 0;  ///< the sequence's part of what a pass costs whatever its rows
  int tile = 0;         ///< rows that attend together; 0: any number
  float tile_cost = 0;  ///< what another tile costs beside its rows: the sequence's keys again
};

/// Drafts that are added to a pass one by one, as long as each brings more tokens for its time than
/// the pass brings without it.
struct DraftChain {
  const DraftGate& gate;
  int rows;            ///< of the sequence, known tokens first
  float cost;          ///< of them and the sequence's part of the base
  float chance = 1;    ///< that all drafts so far agree
  float expected = 1;  ///< tokens that the pass brings

  MOLGEN3D_HOST_DEVICE DraftChain(const DraftGate& gate, int known_rows)
      : gate(gate), rows(known_rows), cost(gate.base_rows + static_cast<float>(known_rows)) {}
  MOLGEN3D_HOST_DEVICE float next_cost() const {
    return gate.tile != 0 && rows % gate.tile == 0 ? 1 + gate.tile_cost : 1.0F;
  }
  /// A draft that agrees with chance `agrees` given that those before it do: adds it if it pays.
  MOLGEN3D_HOST_DEVICE bool add(float agrees) {
    const float all = chance * agrees, more = next_cost();
    if (!(all * cost > expected * more)) return false;
    chance = all;
    expected += all;
    add_forced();
    return true;
  }
  /// A token that is forced after them.
  MOLGEN3D_HOST_DEVICE void add_forced() {
    cost += next_cost();
    ++rows;
  }
};

}  // namespace molgen3d
