// Keeps a running sample inside the hard set: checks each block when it closes, reflects, draws
// again, masks, goes back and starts anew (docs/geometry.md). The engine's backends run this very
// code, on the host or inside the chain of steps on a device: it decides what happens to the
// sequence, they move tokens and cache.
#pragma once

#include "geometry/candidates.h"
#include "geometry/check.h"

namespace molgen3d::geometry {

/// How a sample is kept inside the hard set.
struct SearchPolicy {
  int32_t free_draws = 3;    ///< of a block under the model's own law, before it is masked
  int32_t masked_draws = 2;  ///< of a masked block, before the search goes back
  int32_t most_returns = 6;  ///< ways back before the sample starts anew
  int32_t budget = 0;        ///< tokens that may be thrown away
  /// When the budget is spent: finish the sample unchecked, marked, instead of failing it.
  int32_t keep = 0;
};

/// Where to go back to: the sequence as it was after the token that closed the block before. The
/// engine fills in all but the last two.
struct Mark {
  int32_t known = 0;  ///< tokens, prompt included
  uint32_t segment = 0, node = 0;
  int32_t sampled = 0, forced = 0;
  int32_t masked_blocks = 0;
  double log_probability = 0;
  double log_kept = 0;
};

/// How often a block was drawn.
struct Tries {
  int16_t draws = 0;   ///< in vain, since the block was reached
  int16_t rounds = 0;  ///< of draws that ended in a way back
};

/// What happened to one sample, and where it stands.
struct SearchState {
  ReaderState reader;
  int32_t atom = 0;            ///< being written
  int32_t attempt = 0;         ///< noise is keyed by it: grows whenever tokens are thrown away
  int32_t redraws = 0;         ///< blocks drawn again at once
  int32_t returns = 0;         ///< ways back to an earlier block
  int32_t restarts = 0;        ///< from the first atom
  int32_t mirrors = 0;         ///< reflections
  int32_t masked_blocks = 0;   ///< blocks kept that were drawn under a mask
  int32_t thrown = 0;          ///< tokens thrown away
  int32_t returns_here = 0;    ///< since the last start
  int32_t masked = 0;          ///< the block being written is
  int32_t mask_made = 0;       ///< 1 + the axis whose feasible candidates are marked; 0: none
  int32_t needed = -1;         ///< an atom that had no lasting room: looked after until it stands
  int32_t careful = 0;         ///< there was a fault: look ahead from now on
  int32_t gave_up = 0;         ///< the budget is spent: nothing is checked any more
  Fault fault = Fault::kNone;  ///< the last one
  int32_t fault_atom = -1;
  double log_kept = 0;  ///< of the masks' legal shares, answer as it stands (nats, <= 0)
};

/// What a sequence holds beside its state; all arrays belong to the caller.
struct SearchMemory {
  Position* at;          ///< [atoms]
  Mark* marks;           ///< [atoms + 1]
  Tries* tries;          ///< [atoms]
  int32_t* z_separator;  ///< [atoms] index of the `,` or `,-` before z; -1: another token
  uint32_t* feasible;    ///< [kCandidates / 32] bits
};

enum class Action : int32_t {
  kKeep,     ///< go on
  kReflect,  ///< exchange `,` and `,-` before every z that is not zero, compute again from there
  kReturn,   ///< go back to the mark of atom `state.atom`
  kFail,     ///< the budget is spent
};

/// One thread that does all the work: the host. A device's thread block works together: each thread
/// takes every size-th piece from `rank` on, any() is true for all where it is for one, and only
/// the first writes.
struct Solo {
  int rank = 0, size = 1;
  MOLGEN3D_HOST_DEVICE bool any(bool value) const { return value; }
};

/// What a closed block is found to be.
struct Judgement {
  Fault fault = Fault::kNone;
  int32_t culprit = 0;  ///< the block to draw again, with a fault
  bool reflected = false;
};

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
  MOLGEN3D_HOST_DEVICE void begin(const Mark& start) {
    m_.marks[0] = start;
    for (int i = 0; i < set_.atoms(); ++i) m_.tries[i] = Tries{};
  }

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
    return {Fault::kDeadEnd, culprit(crew, s_.atom), false};
  }
  /// What follows; one thread calls it. `now`: the sequence with the block.
  MOLGEN3D_HOST_DEVICE Action settle(const Judgement& judgement, const Mark& now) {
    if (judgement.fault != Fault::kNone) return repair(judgement.fault, judgement.culprit, now);
    if (judgement.reflected) ++s_.mirrors;
    keep(now);
    return judgement.reflected ? Action::kReflect : Action::kKeep;
  }

  /// The candidates of the number being written are to be found first.
  MOLGEN3D_HOST_DEVICE bool wants_mask() const {
    return s_.masked && s_.mask_made != mask_axis() + 1;
  }
  /// Which number of the block is being written.
  MOLGEN3D_HOST_DEVICE int mask_axis() const { return s_.reader.inside ? s_.reader.axis : 0; }
  MOLGEN3D_HOST_DEVICE bool masked() const { return s_.masked; }

  /// Whether candidate `k` < candidate_count(mask_axis()) satisfies the hard set. Whoever draws a
  /// masked block first sets the bits of all that do in `memory.feasible`, then calls mask_made().
  MOLGEN3D_HOST_DEVICE bool feasible(int k) const;
  MOLGEN3D_HOST_DEVICE void mask_made() { s_.mask_made = mask_axis() + 1; }

  /// Whether a masked block may go on with `token`.
  MOLGEN3D_HOST_DEVICE bool allows(int32_t token) const;

 private:
  MOLGEN3D_HOST_DEVICE void keep(const Mark& after) {
    if (s_.masked) ++s_.masked_blocks;
    Mark& mark = m_.marks[++s_.atom];
    mark = after;
    mark.log_kept = s_.log_kept;
    mark.masked_blocks = s_.masked_blocks;
    if (s_.atom < set_.atoms()) enter(s_.atom);
  }
  MOLGEN3D_HOST_DEVICE bool can_mask(int atom) const {
    return set_.has_distances() && set_.parent(atom) >= 0;
  }
  /// Decides how the next block is drawn.
  MOLGEN3D_HOST_DEVICE void enter(int atom) {
    s_.masked = !s_.gave_up && m_.tries[atom].draws >= policy_.free_draws && can_mask(atom);
    s_.mask_made = 0;
  }
  /// Whether `atom`, still to come, has a place among those that stand.
  template <typename Crew, typename Points>
  MOLGEN3D_HOST_DEVICE bool has_room(const Crew& crew, const Points& at, int atom,
                                     const Standing& standing) const;
  /// Whether it has one that leaves room for each neighbour that comes after it.
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE bool has_lasting_room(const Crew& crew, int atom, int until) const;
  /// The first neighbour still to come that has no room once 0 .. `i` stand; -1: all have.
  template <typename Crew, typename Points>
  MOLGEN3D_HOST_DEVICE int without_room(const Crew& crew, const Points& at, int i) const;
  MOLGEN3D_HOST_DEVICE bool sound(const Position& place) const;
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE int culprit(const Crew& crew, int i);
  template <typename Crew>
  MOLGEN3D_HOST_DEVICE bool reflect(const Crew& crew, int i);
  MOLGEN3D_HOST_DEVICE Action repair(Fault fault, int i, const Mark& now);
  MOLGEN3D_HOST_DEVICE int way_back(int i) const;

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
  Judgement out;
  const int i = s_.atom;
  if (s_.gave_up) return out;
  out.fault = check_atom(set_, m_.at, i, set_.full());
  if (out.fault == Fault::kNone && s_.careful &&
      (without_room(crew, m_.at, i) >= 0 ||
       (i < s_.needed && !has_lasting_room(crew, s_.needed, i))))
    out.fault = Fault::kNoRoom;
  if (out.fault == Fault::kHand && reflect(crew, i)) {
    out.fault = Fault::kNone;
    out.reflected = true;
  }
  if (out.fault != Fault::kNone) out.culprit = culprit(crew, i);
  return out;
}

template <typename Crew, typename Points>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Search::has_room(
    const Crew& crew, const Points& at, int atom, const Standing& standing) const {
  int parent = set_.neighbour_until(atom, standing.until);
  if (standing.ahead > standing.until &&
      set_.neighbour_until(atom, standing.ahead) == standing.ahead)
    parent = standing.ahead;
  if (parent < 0 || !set_.has_distances()) return true;
  const PairLimit bond = unpack(set_.pairs(atom)[parent]);
  const Position origin = at[parent];
  for (int first = 0; first < kRoomPlaces; first += crew.size) {
    const int k = first + crew.rank;
    bool fits = false;
    if (k < kRoomPlaces) {
      const WithPlace<Points> placed{at, atom,
                                     sphere_place(directions_, origin, bond, room_candidate(k))};
      fits = fits_ahead(set_, placed, atom, standing);
    }
    if (crew.any(fits)) return true;
  }
  return false;
}

template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Search::has_lasting_room(const Crew& crew,
                                                                               int atom,
                                                                               int until) const {
  const int parent = set_.neighbour_until(atom, until);
  if (parent < 0) return true;
  const PairLimit bond = unpack(set_.pairs(atom)[parent]);
  const Standing standing{until, atom};
  const Position origin = m_.at[parent];
  for (int first = 0; first < kRoomPlaces; first += crew.size) {
    const int k = first + crew.rank;
    const WithPlace<Position*> placed{
        m_.at, atom, sphere_place(directions_, origin, bond, room_candidate(k % kRoomPlaces))};
    bool lasting = k < kRoomPlaces && fits_ahead(set_, placed, atom, Standing{until});
    for (int later = atom + 1; later < set_.atoms() && lasting; ++later) {
      // Others were looked at by themselves.
      if (later != s_.needed && unpack(set_.pairs(later)[atom]).high == PairLimit::kNoLimit)
        continue;
      lasting = has_room(Solo{}, placed, later, standing);
    }
    if (crew.any(lasting)) return true;
  }
  return false;
}

template <typename Crew, typename Points>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline int Search::without_room(const Crew& crew,
                                                                          const Points& at,
                                                                          int i) const {
  for (int atom = i + 1; atom < set_.atoms(); ++atom) {
    const int parent = set_.neighbour_until(atom, i);
    if (parent < 0) continue;
    // Only what atom i can have taken away.
    if (unpack(set_.pairs(atom)[i]).high == PairLimit::kNoLimit &&
        squared_distance(at[parent], at[i]) > kRoomReach * kRoomReach)
      continue;
    if (!has_room(crew, at, atom, Standing{i})) return atom;
  }
  return -1;
}

/// The first atom up to `high`, which does, after whose placing `room` is gone; with fewer atoms
/// there is more room.
template <typename Room>
MOLGEN3D_HOST_DEVICE inline int first_without(int high, const Room& room) {
  int low = -1;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (room(middle) ? low : high) = middle;
  }
  return high;
}

/// The block to draw again when atom `i` could not be placed: `i` itself if another draw can help,
/// else the first that made it hopeless.
template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline int Search::culprit(const Crew& crew, int i) {
  if (i == 0 || !set_.has_distances()) return i;
  if (!has_room(crew, m_.at, i, Standing{i - 1})) {
    i = first_without(i - 1, [&](int until) { return has_room(crew, m_.at, i, Standing{until}); });
    if (i == 0) return i;
  }
  if (has_lasting_room(crew, i, i - 1)) return i;
  const int found =
      first_without(i - 1, [&](int until) { return has_lasting_room(crew, i, until); });
  crew.any(false);  // all have read what the first now writes
  if (crew.rank == 0) s_.needed = i;
  return found;
}

/// The block to go back to when atom `i` has been drawn in vain: those that share a bond or an
/// angle with it, the last first, then up the chain of parents, farther each time.
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline int Search::way_back(int i) const {
  int rounds = m_.tries[i].rounds, atom = i;
  const uint32_t* limits = set_.pairs(i);
  for (int j = i - 1; j >= 0; --j) {
    if (unpack(limits[j]).relation == Relation::kFar) continue;
    atom = j;
    if (--rounds == 0) return j;
  }
  for (; rounds > 0 && atom > 0; --rounds) {
    const int parent = set_.parent(atom);
    atom = parent >= 0 ? parent : atom - 1;
  }
  return atom;
}

/// Draws block `i` again, at or before the one being written, or goes back further.
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Action Search::repair(Fault fault, int i,
                                                                       const Mark& now) {
  s_.fault = fault;
  s_.fault_atom = s_.atom;
  s_.careful = 1;
  ++s_.attempt;
  Tries& tries = m_.tries[i];
  // Without a parent there is nothing to mask with.
  const int most = policy_.free_draws + (can_mask(i) ? policy_.masked_draws : 0);
  int target = i;
  if (++tries.draws < most) {
    ++(i == s_.atom ? s_.redraws : s_.returns);
  } else {
    ++s_.returns;
    ++tries.rounds;
    target = ++s_.returns_here > policy_.most_returns ? 0 : way_back(i);
    if (target == 0) {
      ++s_.restarts;
      s_.returns_here = 0;
    }
  }
  for (int a = target == i ? i + 1 : target; a < set_.atoms(); ++a) {
    m_.tries[a].draws = 0;
    if (target == 0 || a < i) m_.tries[a].rounds = 0;
  }
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
  enter(target);
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
  const Position place =
      candidate_place(directions_, m_.at[parent], bond, s_.reader, mask_axis(), k);
  // Room for those to come is asked for when the block closes: for every candidate it would cost
  // a hundred times as much.
  return check_atom(set_, WithPlace<Position*>{m_.at, i, place}, i, true) == Fault::kNone;
}

/// Whether the block's atom may stand at `place`, with room for those to come.
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Search::sound(const Position& place) const {
  const WithPlace<Position*> placed{m_.at, s_.atom, place};
  return check_atom(set_, placed, s_.atom, true) == Fault::kNone &&
         without_room(Solo{}, placed, s_.atom) < 0;
}

MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Search::allows(int32_t token) const {
  ReaderState next = s_.reader;
  const ReadEvents events = read_token(next, texts_[token], numbers_);
  const int i = s_.atom, parent = set_.parent(i);
  // What ends the last number, or leaves it no more digits, decides the place.
  if (events.closed) {
    const Position place = {next.value[0], next.value[1], next.value[2]};
    return sound(place);
  }
  if (next.inside && next.axis == 2 && next.decimals == numbers_.decimals) {
    const int32_t z = units_of(next.digits, next.decimals);
    const Position place = {next.value[0], next.value[1], next.negative ? -z : z};
    return sound(place);
  }
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
