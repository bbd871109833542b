// Keeps a running sample inside the hard set: checks each block when it closes, reflects, draws
// again, masks, goes back (docs/geometry.md). The engine's backends run this very code, on the host
// or inside the chain of steps on a device: it decides what happens to the sequence, they move
// tokens and cache.
//
// A sample is left alone until its first fault. From then on it is kept completable: a block stands
// only if a witness is found (completion.h), so that there is no dead end: the way back at the
// first fault is the only long one, and a block that is drawn in vain too often is set to where the
// witness has it.
#pragma once

#include "geometry/candidates.h"
#include "geometry/check.h"
#include "geometry/completion.h"
#include "geometry/search_state.h"

namespace molgen3d::geometry {

class Search {
 public:
  MOLGEN3D_HOST_DEVICE Search(const HardSetView& set, const TokenText* texts,
                              const NumberText& numbers, const SearchPolicy& policy,
                              const Position* directions, SearchState& state,
                              const SearchMemory& memory)
      : set_(set),
        texts_(texts),
        numbers_(numbers),
        policy_(policy),
        directions_(directions),
        s_(state),
        m_(memory) {}

  /// Before the first token.
  MOLGEN3D_HOST_DEVICE void begin(const Mark& start) { m_.marks[0] = start; }

  /// Takes a token that stands at `index` of the sequence; true when it closes the block of an
  /// atom, which is to be judged then.
  MOLGEN3D_HOST_DEVICE bool read(int32_t token, int32_t index) {
    const ReadEvents events = read_token(s_.reader, texts_[token], numbers_);
    if (s_.atom >= set_.atoms()) return false;
    if (events.z_begun) {
      const bool plain = token == numbers_.comma || token == numbers_.comma_minus;
      m_.z_separator[s_.atom] = plain ? index : -1;
    }
    if (events.closed)
      m_.at[s_.atom] = {s_.reader.value[0], s_.reader.value[1], s_.reader.value[2]};
    return events.closed;
  }
  /// Judges the closed block; every thread of the crew calls it and gets the result.
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE Judgement judge(const Crew& crew);
  /// The same for a masked block of which no token is legal.
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE Judgement judge_dead_end(const Crew& crew) {
    return blame(crew, Fault::kDeadEnd);
  }
  /// What follows; one thread calls it. `now`: the sequence with the block.
  MOLGEN3D_HOST_DEVICE Action settle(const Judgement& judgement, const Mark& now) {
    s_.witness = judgement.witness;
    if (judgement.fault != Fault::kNone) return repair(judgement.fault, judgement.culprit, now);
    if (judgement.reflected) ++s_.mirrors;
    keep(now);
    return judgement.reflected ? Action::kReflect : Action::kKeep;
  }

  /// Whether not every legal token may follow.
  MOLGEN3D_HOST_DEVICE bool masked() const { return s_.draws != Draws::kFree; }
  /// The candidates of the number being written are to be found first.
  MOLGEN3D_HOST_DEVICE bool wants_mask() const {
    return masked() && s_.draws != Draws::kSet && s_.mask_made != mask_axis() + 1;
  }
  /// Which number of the block is being written.
  MOLGEN3D_HOST_DEVICE int mask_axis() const { return s_.reader.inside ? s_.reader.axis : 0; }

  /// Whether candidate `k` < candidate_count(mask_axis()) satisfies the hard set. Whoever draws a
  /// masked block first sets the bits of all that do in `memory.feasible`, then calls mask_made().
  MOLGEN3D_HOST_DEVICE bool feasible(int k) const;
  MOLGEN3D_HOST_DEVICE void mask_made() { s_.mask_made = mask_axis() + 1; }

  /// Whether a masked block may go on with `token`.
  MOLGEN3D_HOST_DEVICE bool allows(int32_t token) const;

 private:
  /// Farthest from the witness's place that counts as near it, units.
  static constexpr int64_t kNear = 5000;

  MOLGEN3D_HOST_DEVICE bool witnessed() const { return s_.witness == Witness::kFound; }
  MOLGEN3D_HOST_DEVICE void keep(const Mark& after) {
    if (s_.draws == Draws::kSet) {
      ++s_.set_blocks;
    } else if (masked()) {
      ++s_.masked_blocks;
    }
    Mark& mark = m_.marks[++s_.atom];
    mark = after;
    mark.log_kept = s_.log_kept;
    mark.masked_blocks = s_.masked_blocks;
    mark.set_blocks = s_.set_blocks;
    s_.draws_here = 0;
    enter();
  }
  /// Decides how the block of `s_.atom` is drawn.
  MOLGEN3D_HOST_DEVICE void enter() {
    s_.mask_made = 0;
    s_.draws = Draws::kFree;
    int masked = s_.draws_here - policy_.free_draws;
    if (s_.gave_up || masked < 0 || s_.atom >= set_.atoms()) return;
    // Without a parent there is nothing to mask with.
    const bool can_mask = set_.has_distances() && set_.parent(s_.atom) >= 0;
    if (!can_mask) masked += policy_.masked_draws;
    if (masked >= policy_.masked_draws) {
      if (witnessed()) s_.draws = Draws::kSet;
    } else {
      const bool last = masked == policy_.masked_draws - 1;
      s_.draws = witnessed() && last ? Draws::kNear : Draws::kMasked;
    }
  }

  template <typename Crew>
  MOLGEN3D_HOST_DEVICE Completion<Crew> completion(const Crew& crew) const {
    int32_t grid = 1;
    for (int i = numbers_.decimals; i < 4; ++i) grid *= 10;
    return {crew, set_, projection_memory(m_.projection, set_.atoms()), grid};
  }
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE bool reflect(const Crew& crew, int i);
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE Judgement blame(const Crew& crew, Fault fault);
  MOLGEN3D_HOST_DEVICE Action repair(Fault fault, int culprit, const Mark& now);
  MOLGEN3D_HOST_DEVICE bool sound(const Position& place) const;

  const HardSetView set_;
  const TokenText* texts_;
  const NumberText& numbers_;
  const SearchPolicy& policy_;
  const Position* directions_;  ///< candidate_directions()
  SearchState& s_;
  SearchMemory m_;
};

/// Handedness as a whole is a free choice of a model that treats mirror images alike: where the
/// first specified centre comes out wrong, and none before was right, the mirror image of what is
/// written is what it would have written as likely.
template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Search::reflect(const Crew& crew, int i) {
  if (numbers_.comma < 0) return false;
  for (int k = 0; k < set_.hand_begin(i + 1); ++k) {
    const Hand& hand = set_.hand(k);
    if (hand.reference >= 0) continue;
    if (hand.sign * signed_square(hand, m_.at) >= 0) return false;
  }
  for (int a = 0; a <= i; ++a) {
    if (m_.z_separator[a] < 0 && m_.at[a].z != 0) return false;
  }
  if (check_atom(set_, Reflected{m_.at}, i, set_.full()) != Fault::kNone) return false;
  crew.any(false);  // all have read
  for (int a = crew.rank; a <= i; a += crew.size) m_.at[a].z = -m_.at[a].z;
  crew.any(false);
  return true;
}

template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Judgement Search::judge(const Crew& crew) {
  const int i = s_.atom;
  Judgement out;
  out.witness = s_.witness;
  if (s_.gave_up) return out;
  Fault fault = check_atom(set_, m_.at, i, set_.full());
  if (fault == Fault::kNone && witnessed() && m_.at[i] != m_.witness[i] &&
      !completion(crew).find(m_.at, i + 1, m_.witness, i, kCompletionStarts, m_.witness))
    fault = Fault::kNoRoom;
  if (fault == Fault::kHand && !witnessed() && reflect(crew, i)) {
    out.reflected = true;
    return out;
  }
  return fault == Fault::kNone ? out : blame(crew, fault);
}

/// The block to draw again after a fault at the one being written: itself where there is a witness
/// already; at the first fault the first from which no completion is found, by steps that double
/// and then by halves.
template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Judgement Search::blame(const Crew& crew,
                                                                         Fault fault) {
  const int i = s_.atom;
  if (s_.witness != Witness::kNotSought) return {fault, i, false, s_.witness};
  const Position* embedding = set_.embedding();
  if (embedding == nullptr) return {fault, i, false, Witness::kNone};
  Completion<Crew> completion = this->completion(crew);
  const auto stands = [&](int atoms) {
    return completion.find(m_.at, atoms, embedding, 0, kReturnStarts, m_.witness);
  };
  int low = i, high = i + 1;  // atoms that can stand, and cannot
  for (int step = 1; low > 0 && !stands(low); step *= 2) {
    high = low;
    low = i > step ? i - step : 0;
  }
  if (low == 0) stands(0);  // as embedded
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (stands(middle) ? low : high) = middle;
  }
  return {fault, low, false, Witness::kFound};
}

/// Draws block `culprit` again, at or before the one being written.
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Action Search::repair(Fault fault, int culprit,
                                                                       const Mark& now) {
  s_.fault = fault;
  s_.fault_atom = s_.atom;
  ++s_.attempt;
  int target = culprit;
  if (culprit != s_.atom) s_.draws_here = 0;
  ++s_.draws_here;
  if (!witnessed() && s_.draws_here > policy_.free_draws + policy_.masked_draws) {
    // Nothing proves where the way ends: farther back each time.
    s_.steps_back = 2 * s_.steps_back + 1;
    target = culprit > s_.steps_back ? culprit - s_.steps_back : 0;
    s_.draws_here = 0;
  }
  ++(target == s_.atom ? s_.redraws : s_.returns);
  const Mark& mark = m_.marks[target];
  s_.thrown += now.known - mark.known;
  if (s_.thrown > policy_.budget) {
    if (!policy_.keep) return Action::kFail;
    s_.gave_up = 1;
  }
  s_.atom = target;
  s_.reader = ReaderState{};
  s_.log_kept = mark.log_kept;
  s_.masked_blocks = mark.masked_blocks;
  s_.set_blocks = mark.set_blocks;
  enter();
  return Action::kReturn;
}

/// The number of the lowest bit that is set; there is one.
MOLGEN3D_HOST_DEVICE inline int lowest_bit(uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __ffs(static_cast<int>(bits)) - 1;
#else
  return __builtin_ctz(bits);
#endif
}

MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Search::feasible(int k) const {
  const int i = s_.atom, parent = set_.parent(i);
  const PairLimit bond = unpack(set_.pairs(i)[parent]);
  return sound(candidate_place(directions_, m_.at[parent], bond, s_.reader, mask_axis(), k));
}

/// Whether the block's atom may stand at `place`. Whether those to come have room then is asked
/// when the block closes.
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Search::sound(const Position& place) const {
  const int i = s_.atom;
  if (s_.draws == Draws::kSet) return place == m_.witness[i];
  if (s_.draws == Draws::kNear && squared_distance(place, m_.witness[i]) > kNear * kNear)
    return false;
  return check_atom(set_, WithPlace<Position*>{m_.at, i, place}, i, true) == Fault::kNone;
}

MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Search::allows(int32_t token) const {
  ReaderState next = s_.reader;
  const ReadEvents events = read_token(next, texts_[token], numbers_);
  const int i = s_.atom, parent = set_.parent(i);
  // What ends the last number, or leaves it no more digits, decides the place.
  if (events.closed) return sound({next.value[0], next.value[1], next.value[2]});
  if (next.inside && next.axis == 2 && next.decimals == numbers_.decimals) {
    const int32_t z = units_of(next.digits, next.decimals);
    return sound({next.value[0], next.value[1], next.negative ? -z : z});
  }
  if (s_.draws == Draws::kSet) return may_reach(next, m_.witness[i], 0, numbers_);
  const PairLimit bond = unpack(set_.pairs(i)[parent]);
  const int axis = mask_axis();
  for (int word = 0; word < candidate_count(axis) / 32; ++word) {
    for (uint32_t bits = m_.feasible[word]; bits != 0; bits &= bits - 1) {
      const int k = word * 32 + lowest_bit(bits);
      const Position place = candidate_place(directions_, m_.at[parent], bond, s_.reader, axis, k);
      if (may_reach(next, place, candidate_reach(axis), numbers_)) return true;
    }
  }
  return false;
}

}  // namespace molgen3d::geometry
