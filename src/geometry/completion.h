// Whether what stands can still become a whole molecule inside the hard set: a witness is searched
// for, places of all atoms that satisfy it.
//
// A witness of what stood before is carried along: where an atom is set elsewhere, what hangs on it
// turns with it about the bond, and constraint projection (projection.h) mends what that broke. A
// witness proves that there is a way to go on; none found proves nothing.
#pragma once

#include "base/mix64.h"
#include "geometry/projection.h"
#include "geometry/search_state.h"
#include "geometry/token_text.h"

namespace molgen3d::geometry {

/// Rounds of projection in a trial, and trials from different starts: after a block that was drawn
/// freely (another draw is soon made), after a masked one, and of beginnings that are tried to find
/// the one to go back to. Of 167 ZINC samples that satisfy their set anyway one trial of 60 rounds
/// completes 98.9 % of the beginnings, two 99.3 %, four of 100 rounds 99.7 %.
inline constexpr int kCompletionRounds = 60;
inline constexpr int kFreeStarts = 1, kMaskedStarts = 3, kReturnStarts = 2;
/// Of a whole molecule from places at random; the second half of the trials has four times as many
/// rounds, for chains of conjugated double bonds.
inline constexpr int kEmbeddingStarts = 16, kEmbeddingRounds = 300;
/// Atoms that are put to their places in the time of a round.
inline constexpr int kTransplantsPerRound = 4;

/// A rotation as its rows.
struct Rotation {
  Real3 row[3];
  MOLGEN3D_HOST_DEVICE Real3 operator()(const Real3& v) const {
    return {dot(row[0], v), dot(row[1], v), dot(row[2], v)};
  }
};
/// The smallest rotation that turns `from` into the direction of `to`.
MOLGEN3D_HOST_DEVICE inline Rotation rotation_between(const Real3& from, const Real3& to) {
  Rotation out = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  const float lengths = sqrtf(dot(from, from)) * sqrtf(dot(to, to));
  if (!(lengths > 0)) return out;
  const float c = dot(from, to) / lengths;
  const Real3 s = scaled(cross(from, to), 1 / lengths);
  if (c < -0.9999F) {  // half a turn about any axis across
    const Real3 any = from.x * from.x < 0.5F * dot(from, from) ? Real3{1, 0, 0} : Real3{0, 1, 0};
    Real3 n = cross(from, any);
    n = scaled(n, 1 / sqrtf(dot(n, n)));
    out = {{{2 * n.x * n.x - 1, 2 * n.x * n.y, 2 * n.x * n.z},
            {2 * n.x * n.y, 2 * n.y * n.y - 1, 2 * n.y * n.z},
            {2 * n.x * n.z, 2 * n.y * n.z, 2 * n.z * n.z - 1}}};
    return out;
  }
  const float k = 1 / (1 + c);  // Rodrigues
  return {{{c + k * s.x * s.x, k * s.x * s.y - s.z, k * s.x * s.z + s.y},
           {k * s.x * s.y + s.z, c + k * s.y * s.y, k * s.y * s.z - s.x},
           {k * s.x * s.z - s.y, k * s.y * s.z + s.x, c + k * s.z * s.z}}};
}

/// What a search for a witness found out within its rounds.
enum class Found : int32_t { kPending, kYes, kNo };

template <typename Crew>
class Completion {
 public:
  /// `numbers`: what positions can be written.
  MOLGEN3D_HOST_DEVICE Completion(const Crew& crew, const HardSetView& set,
                                  const ProjectionMemory& memory, const NumberText& numbers)
      : crew_(crew), set_(set), m_(memory) {
    for (int i = numbers.decimals; i < 4; ++i) grid_ *= 10;
    for (int i = 0; i < numbers.max_integer_digits; ++i) farthest_ *= 10;
    --farthest_;
  }

  /// Looks for a witness in which atoms 0 .. standing - 1 are at `at`; `from` is one for the first
  /// `stood` of them, or for others whose molecule it is (stood = 0). At most `starts` trials.
  /// `rounds` is what may be done now, and is counted down: when it is used up the result is
  /// kPending, and the same call with the same progress and memory goes on. Every thread calls it
  /// and gets the result; `witness` is written only with kYes and may be `from`.
  MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL Found find(const Position* at, int standing,
                                                       const Position* from, int stood, int starts,
                                                       CompletionProgress& progress, int& rounds,
                                                       Position* witness) {
    for (; progress.start < starts; ++progress.start, progress.made = -1) {
      if (progress.made < 0) {
        begin(from);
        for (int atom = stood; atom < standing; ++atom) transplant(at, atom);
        const float by = static_cast<float>(progress.start) * kShake;
        shake(standing, by, 4 * by, progress.start);
        progress.made = progress.planes = 0;
        rounds -= (standing - stood) / kTransplantsPerRound;
      }
      const Found found = project(standing, kCompletionRounds, progress, rounds, witness);
      if (found != Found::kNo) return found;
    }
    return Found::kNo;
  }

  /// A witness for a molecule of which nothing stands yet, from places at random.
  MOLGEN3D_HOST_DEVICE bool embed(Position* witness) {
    // Somewhat smaller than a molecule that is stretched out, larger than one that is folded.
    const float size = 0.5F * kUnits * sqrtf(static_cast<float>(set_.atoms()));
    for (int start = 0; start < kEmbeddingStarts; ++start) {
      begin(nullptr);
      shake(0, size, size / 2, start);
      CompletionProgress progress;
      progress.made = 0;
      const int most = start < kEmbeddingStarts / 2 ? kEmbeddingRounds : 4 * kEmbeddingRounds;
      int rounds = most + 1;
      if (project(0, most, progress, rounds, witness) == Found::kYes) return true;
    }
    return false;
  }

 private:
  /// Of an atom that is set aside in the first trial after the plain one, units.
  static constexpr float kShake = 4000;
  static constexpr float kMomentum = 0.8F;

  MOLGEN3D_HOST_DEVICE void wait() const { crew_.any(false); }
  /// All places as in `from`, or all at the origin.
  MOLGEN3D_HOST_DEVICE void begin(const Position* from) {
    wait();
    for (int i = crew_.rank; i < set_.atoms(); i += crew_.size) {
      const Position place = from != nullptr ? from[i] : Position{};
      m_.place[4 * i] = place.x;
      m_.place[4 * i + 1] = place.y;
      m_.place[4 * i + 2] = place.z;
      m_.place[4 * i + 3] = 0;
      for (int c = 0; c < 5; ++c) m_.sum[5 * i + c] = 0;
    }
    wait();
  }
  /// Puts `atom` to its place and turns what hangs on it or beside it.
  MOLGEN3D_HOST_DEVICE void transplant(const Position* at, int atom);
  /// Sets the atoms to come aside by up to `by`, in the fourth coordinate by up to `fourth`.
  MOLGEN3D_HOST_DEVICE void shake(int standing, float by, float fourth, int start) {
    for (int i = crew_.rank; i < set_.atoms(); i += crew_.size) {
      for (int c = 0; c < 4; ++c) {
        int32_t& value = m_.place[4 * i + c];
        if (i >= standing) {
          const uint64_t bits = mix64(static_cast<uint64_t>((i * 4 + c) * 64 + start));
          const auto random = static_cast<float>(static_cast<int32_t>(bits & 0xFFFF) - 0x8000);
          value += static_cast<int32_t>(random / 0x8000 * (c == 3 ? fourth : by));
        }
        m_.last[4 * i + c] = value;
      }
    }
    wait();
  }
  MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL Found project(int standing, int most,
                                                          CompletionProgress& progress, int& rounds,
                                                          Position* witness) {
    Projection<Crew> projection(crew_, set_, m_, standing);
    for (; progress.made < most; ++progress.made) {
      if (rounds-- <= 0) return Found::kPending;
      const bool with_planes = progress.planes != 0 || progress.made % 4 == 0;
      bool right = projection.correct(with_planes);
      for (int i = standing + crew_.rank; i < set_.atoms() && right; i += crew_.size)
        right = m_.place[4 * i + 3] == 0 && writable(i);
      progress.planes = !crew_.any(!right);
      if (progress.planes != 0 && with_planes && accept(standing, witness)) return Found::kYes;
      projection.move(kMomentum, progress.made >= most / 2 ? 0.9F : 1.0F, farthest_);
      wait();
    }
    return Found::kNo;
  }
  MOLGEN3D_HOST_DEVICE bool writable(int atom) const {
    for (int c = 0; c < 3; ++c) {
      const int32_t value = m_.place[4 * atom + c];
      if (value > farthest_ || value < -farthest_) return false;
    }
    return true;
  }
  /// Rounds the places to the text's grid; true and the witness where all of it is right. No last
  /// digit is 0, so that a place is written alike whatever becomes of zeros at the end.
  MOLGEN3D_HOST_DEVICE bool accept(int standing, Position* witness) {
    for (int i = standing + crew_.rank; i < set_.atoms(); i += crew_.size) {
      for (int c = 0; c < 3; ++c) {
        int32_t& value = m_.place[4 * i + c];
        value -= value % grid_;
        if (value / grid_ % 10 == 0) value += grid_;
      }
    }
    wait();
    bool right = true;
    const Projected at{m_.place};
    for (int i = standing + crew_.rank; i < set_.atoms() && right; i += crew_.size)
      right = writable(i) && check_atom(set_, at, i, set_.full()) == Fault::kNone;
    if (crew_.any(!right)) return false;
    for (int i = crew_.rank; i < set_.atoms(); i += crew_.size) witness[i] = at[i];
    wait();
    return true;
  }

  const Crew crew_;
  const HardSetView set_;
  const ProjectionMemory m_;
  int32_t grid_ = 1;           ///< the text's last decimal, in units
  int32_t farthest_ = kUnits;  ///< coordinate that the text can write
};

template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline void Completion<Crew>::transplant(
    const Position* at, int atom) {
  const int parent = set_.parent(atom);
  const Projected places{m_.place};
  const Position here = places[atom], there = at[atom];
  const Position origin = parent >= 0 ? places[parent] : here;
  const auto arrow = [](const Position& from, const Position& to) {
    return Real3{static_cast<float>(to.x - from.x), static_cast<float>(to.y - from.y),
                 static_cast<float>(to.z - from.z)};
  };
  const Real3 old = arrow(origin, here), now = arrow(origin, there);
  // The bond about which the rest turns.
  int beyond = parent >= 0 ? set_.parent(parent) : -1;
  if (parent >= 0 && beyond < 0 && atom > parent + 1) beyond = parent + 1;
  Rotation turn = rotation_between(old, now);  // none without a parent
  if (beyond >= 0) {
    const Real3 axis = arrow(places[beyond], origin);
    const float square = dot(axis, axis);
    const auto across = [&](const Real3& v) {
      const float along = square > 0 ? dot(v, axis) / square : 0;
      return Real3{v.x - axis.x * along, v.y - axis.y * along, v.z - axis.z * along};
    };
    const Real3 a = across(old), b = across(now);
    if (dot(a, a) > 0.01F * dot(old, old) && dot(b, b) > 0.01F * dot(now, now)) {
      // Both are across the axis: the turn between them is about it, half a turn too.
      const float lengths = sqrtf(dot(a, a)) * sqrtf(dot(b, b));
      const float c = dot(a, b) / lengths;
      const float s = dot(cross(a, b), axis) / (lengths * sqrtf(square));
      const Real3 n = scaled(axis, 1 / sqrtf(square));
      const float k = 1 - c;
      turn = {{{c + k * n.x * n.x, k * n.x * n.y - s * n.z, k * n.x * n.z + s * n.y},
               {k * n.x * n.y + s * n.z, c + k * n.y * n.y, k * n.y * n.z - s * n.x},
               {k * n.x * n.z - s * n.y, k * n.y * n.z + s * n.x, c + k * n.z * n.z}}};
    }
  }
  int first = atom;  // of the part
  while (set_.parent(first) >= 0) first = set_.parent(first);
  // One or two atoms say nothing of how the part is turned: all of it follows.
  const bool all = atom - first <= 2;
  wait();  // all have read
  for (int i = atom + crew_.rank; i < set_.atoms(); i += crew_.size) {
    int root = i;
    while (root > atom) root = set_.parent(root);
    const bool own = root == atom;
    if (all) {
      while (root >= 0 && root != first) root = set_.parent(root);
    }
    if (root < 0 || (!own && !all && root != parent)) continue;
    const Real3 moved = turn(arrow(own ? here : origin, places[i]));
    const Position& base = own ? there : origin;
    m_.place[4 * i] = base.x + static_cast<int32_t>(moved.x);
    m_.place[4 * i + 1] = base.y + static_cast<int32_t>(moved.y);
    m_.place[4 * i + 2] = base.z + static_cast<int32_t>(moved.z);
  }
  wait();
}

}  // namespace molgen3d::geometry
