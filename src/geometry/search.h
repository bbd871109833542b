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

/// For judge(): a host has nobody who waits.
inline constexpr int kAllRounds = 0x7FFFFFFF;

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
  /// Judges the closed block, or one that it judged before and that is pending; every thread of the
  /// crew calls it and gets the result. At most `rounds` rounds of projection are made now; the
  /// result does not depend on how they are cut.
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE Judgement judge(const Crew& crew, int rounds);
  /// The same for a masked block of which no token is legal.
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE Judgement judge_dead_end(const Crew& crew, int rounds) {
    return blame(crew, Fault::kDeadEnd, rounds);
  }
  /// A judgement is to be gone on with before another token is taken.
  MOLGEN3D_HOST_DEVICE bool pending() const { return s_.inquiry.asks != Inquiry::Asks::kNothing; }
  /// What follows; one thread calls it. `now`: the sequence with the block. A pending judgement
  /// keeps the sequence as it is.
  MOLGEN3D_HOST_DEVICE Action settle(const Judgement& judgement, const Mark& now) {
    s_.inquiry = judgement.inquiry;
    if (judgement.pending) return Action::kKeep;
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

  /// The bits of `memory.feasible` that candidate `k` < candidate_count(mask_axis()) sets; -1:
  /// none. Whoever draws a masked block clears them all, sets those of all candidates, and calls
  /// mask_made().
  MOLGEN3D_HOST_DEVICE void bins_of(int k, int bins[2]) const;
  /// Masks follow the candidates this closely, in percent of candidate_reach(). Less forbids more
  /// of what is feasible between candidates and leads into fewer dead ends.
  MOLGEN3D_HOST_DEVICE void set_reach(int32_t percent) { reach_percent_ = percent; }
  MOLGEN3D_HOST_DEVICE void mask_made() { s_.mask_made = mask_axis() + 1; }

  /// Whether a masked block may go on with `token`.
  MOLGEN3D_HOST_DEVICE bool allows(int32_t token) const;
  /// Of the allowed tokens only the longest are to be taken.
  MOLGEN3D_HOST_DEVICE bool wants_longest() const { return s_.draws == Draws::kSet; }
  MOLGEN3D_HOST_DEVICE int length_of(int32_t token) const;

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
    return {crew, set_, projection_memory(m_.projection, set_.atoms()), numbers_};
  }
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE Fault check(const Crew& crew, int i) const;
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE bool reflect(const Crew& crew, int i);
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE Judgement blame(const Crew& crew, Fault fault, int rounds);
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE Judgement inquire(const Crew& crew, Inquiry inquiry, int rounds);
  MOLGEN3D_HOST_DEVICE Action repair(Fault fault, int culprit, const Mark& now);
  MOLGEN3D_HOST_DEVICE bool sound(const Position& place) const;

  const HardSetView set_;
  const TokenText* texts_;
  const NumberText& numbers_;
  const SearchPolicy& policy_;
  const Position* directions_;  ///< candidate_directions()
  int32_t reach_percent_ = 100;
  SearchState& s_;
  SearchMemory m_;
};

/// check_atom() of what stands. Most blocks are right, which a crew finds out together; the first
/// fault is looked for by all alike.
template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Fault Search::check(const Crew& crew,
                                                                     int i) const {
  if (crew.size > 1) {
    bool right = true;
    for (int j = crew.rank; set_.full() && j < i; j += crew.size)
      right = right && check_distance(set_.pairs(i)[j], m_.at[i], m_.at[j]) == Fault::kNone;
    // The last threads of a crew have the fewest distances.
    const int mine = crew.size - 1 - crew.rank;
    for (int k = set_.hand_begin(i) + mine; k < set_.hand_begin(i + 1); k += crew.size)
      right = right && hand_right(set_, set_.hand(k), m_.at);
    for (int k = set_.side_begin(i) + mine; k < set_.side_begin(i + 1); k += crew.size)
      right = right && side_right(set_.side(k), m_.at);
    for (int k = set_.plane_begin(i) + mine; set_.full() && k < set_.plane_begin(i + 1);
         k += crew.size)
      right = right && plane_right(set_, set_.plane(k), m_.at);
    if (!crew.any(!right)) return Fault::kNone;
  }
  return check_atom(set_, m_.at, i, set_.full());
}

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
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Judgement Search::judge(const Crew& crew,
                                                                         int rounds) {
  if (pending()) return inquire(crew, s_.inquiry, rounds);
  const int i = s_.atom;
  Judgement out;
  out.witness = s_.witness;
  if (s_.gave_up) return out;
  const Fault fault = check(crew, i);
  if (fault == Fault::kHand && !witnessed() && reflect(crew, i)) {
    out.reflected = true;
    return out;
  }
  if (fault != Fault::kNone) return blame(crew, fault, rounds);
  if (!witnessed() || m_.at[i] == m_.witness[i]) return out;
  Inquiry inquiry;
  inquiry.asks = Inquiry::Asks::kGoesOn;
  return inquire(crew, inquiry, rounds);
}

/// The block to draw again after a fault at the one being written: itself where there is a witness
/// already; at the first fault the first from which no completion is found.
template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Judgement Search::blame(const Crew& crew,
                                                                         Fault fault, int rounds) {
  const int i = s_.atom;
  Judgement out;
  out.fault = fault;
  out.culprit = i;
  out.witness = set_.embedding() == nullptr ? Witness::kNone : s_.witness;
  if (out.witness != Witness::kNotSought) return out;
  Inquiry inquiry;
  inquiry.asks = Inquiry::Asks::kStepping;
  inquiry.fault = fault;
  inquiry.low = i;
  inquiry.high = i + 1;
  return inquire(crew, inquiry, rounds);
}

/// Goes on with a question until it is answered or the rounds are used up.
template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Judgement Search::inquire(const Crew& crew,
                                                                           Inquiry inquiry,
                                                                           int rounds) {
  using Asks = Inquiry::Asks;
  const int i = s_.atom;
  Completion<Crew> completion = this->completion(crew);
  Judgement out;
  out.witness = Witness::kFound;
  while (inquiry.asks != Asks::kNothing) {
    if (rounds <= 0) {
      out.pending = true;
      out.inquiry = inquiry;
      return out;
    }
    const bool goes_on = inquiry.asks == Asks::kGoesOn, stepping = inquiry.asks == Asks::kStepping;
    const int middle = stepping ? inquiry.low : (inquiry.low + inquiry.high) / 2;
    const Found found = goes_on ? completion.find(m_.at, i + 1, m_.witness, i,
                                                  masked() ? kMaskedStarts : kFreeStarts,
                                                  inquiry.progress, rounds, m_.witness)
                                : completion.find(m_.at, middle, set_.embedding(), 0, kReturnStarts,
                                                  inquiry.progress, rounds, m_.witness);
    if (found == Found::kPending) {
      out.pending = true;
      out.inquiry = inquiry;
      return out;
    }
    inquiry.progress = CompletionProgress{};
    const bool yes = found == Found::kYes;
    if (goes_on) {
      if (!yes) {
        out.fault = Fault::kNoRoom;
        out.culprit = i;
      }
      return out;
    }
    if (stepping && !yes && middle > 0) {
      inquiry.high = middle;
      inquiry.low = i > inquiry.step ? i - inquiry.step : 0;
      inquiry.step *= 2;
      continue;
    }
    (yes || middle == 0 ? inquiry.low : inquiry.high) = middle;
    inquiry.asks = inquiry.high - inquiry.low > 1 ? Asks::kHalving : Asks::kNothing;
  }
  out.fault = inquiry.fault;
  out.culprit = inquiry.low;
  return out;
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

MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline void Search::bins_of(int k, int bins[2]) const {
  const int i = s_.atom, parent = set_.parent(i), axis = mask_axis();
  const PairLimit bond = unpack(set_.pairs(i)[parent]);
  const Position& origin = m_.at[parent];
  const Position place = candidate_place(directions_, origin, bond, s_.reader, axis, k);
  bins[0] = bins[1] = -1;
  if (!sound(place)) return;
  const int32_t next = axis < 2 ? coordinate(place, axis + 1) : 0;
  const int bin = bin_of(coordinate(place, axis) - coordinate(origin, axis));
  if (next >= -candidate_reach(axis)) bins[0] = bin;
  if (next <= candidate_reach(axis)) bins[1] = kBins + bin;
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
  const int i = s_.atom;
  if (Position place; decides_place(next, events, numbers_, place)) return sound(place);
  if (s_.draws == Draws::kSet) return may_reach(next, m_.witness[i], numbers_);
  const int axis = mask_axis();
  const int32_t origin = coordinate(m_.at[set_.parent(i)], axis);
  const int32_t reach = candidate_reach(axis) * reach_percent_ / 100;
  const bool ends = next.axis > axis;
  const bool positive = !ends || !next.sign_known || !next.negative;
  const bool negative = !ends || !next.sign_known || next.negative;
  const auto some = [&](int32_t low, int32_t high) {
    const int first = bin_of(low - reach - origin), last = bin_of(high + reach - origin);
    return (positive && any_bin(m_.feasible, first, last)) ||
           (negative && any_bin(m_.feasible + kBinWords, first, last));
  };
  if (ends) return some(next.value[axis], next.value[axis]);
  return any_interval(next, numbers_, some);
}

/// Characters that `token` adds to a block. Of the tokens that lead to a witness's place the
/// longest is to be taken: a shorter one may end a number for a tokenizer that takes several digits
/// at once.
MOLGEN3D_HOST_DEVICE inline int Search::length_of(int32_t token) const {
  return text_length(texts_[token]);
}

}  // namespace molgen3d::geometry
