// Does an atom that has just been placed satisfy the hard set, given those before it.
#pragma once

#include "geometry/flatness.h"
#include "geometry/hard_set.h"
#include "geometry/outcome.h"
#include "geometry/position.h"

namespace molgen3d::geometry {

/// Positions with one atom somewhere else: what threads compare without writing.
template <typename Points>
struct WithPlace {
  const Points& at;
  int atom;
  Position place;
  MOLGEN3D_HOST_DEVICE Position operator[](int i) const { return i == atom ? place : at[i]; }
};

/// All positions mirrored at z = 0.
struct Reflected {
  const Position* at;
  MOLGEN3D_HOST_DEVICE Position operator[](int i) const { return {at[i].x, at[i].y, -at[i].z}; }
};

/// cos^2 of the largest angle between a specified double bond's sides and cis or trans: 45 degrees.
inline constexpr double kSideCosineSquared = 0.5;
/// sin^2 of the least bend at its ends, 20 degrees: of a straight one readers know no side.
inline constexpr double kBentSineSquared = 0.117;

/// Triple product of the unit vectors of `hand`, squared and with its sign.
template <typename Points>
MOLGEN3D_HOST_DEVICE inline double signed_square(const Hand& hand, const Points& at) {
  const Vector a = minus(at[hand.arm[0]], at[hand.origin]);
  const Vector b = minus(at[hand.arm[1]], at[hand.origin]);
  const Vector c = minus(at[hand.arm[2]], at[hand.origin]);
  const double volume = dot(a, cross(b, c));
  const double lengths = dot(a, a) * dot(b, b) * dot(c, c);
  if (!(lengths > 0)) return 0;
  return volume < 0 ? -(volume * volume / lengths) : volume * volume / lengths;
}

/// The sign that `hand` must have; that of a free group follows its reference, which stands.
template <typename Points>
MOLGEN3D_HOST_DEVICE inline int wanted_sign(const HardSetView& set, const Hand& hand,
                                            const Points& at) {
  if (hand.reference < 0) return hand.sign;
  const Hand& reference = set.hand(hand.reference);
  return signed_square(reference, at) < 0 ? -hand.sign * reference.sign
                                          : hand.sign * reference.sign;
}

template <typename Points>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool hand_right(const HardSetView& set,
                                                                 const Hand& hand,
                                                                 const Points& at) {
  const double least = hand.least * 1e-3;
  return wanted_sign(set, hand, at) * signed_square(hand, at) >=
         (least < 0 ? -(least * least) : least * least);
}

template <typename Points>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool side_right(const BondSide& side,
                                                                 const Points& at) {
  const Vector axis = minus(at[side.end], at[side.begin]);
  const Vector x = minus(at[side.x], at[side.begin]), y = minus(at[side.y], at[side.end]);
  const Vector a = cross(x, axis), b = cross(y, axis);
  const double product = dot(a, b);
  const double least = kBentSineSquared * dot(axis, axis);
  return side.sign * product > 0 &&
         product * product >= kSideCosineSquared * (dot(a, a) * dot(b, b)) &&
         dot(a, a) >= least * dot(x, x) && dot(b, b) >= least * dot(y, y);
}

template <typename Points>
MOLGEN3D_HOST_DEVICE inline bool plane_right(const HardSetView& set, const Plane& plane,
                                             const Points& at) {
  const double off = off_plane(set.plane_atoms() + plane.first, plane.count, at);
  const double limit = plane.limit * 1e-3 * kUnits;
  return plane.pucker != 0 ? off >= limit : off <= limit;
}

MOLGEN3D_HOST_DEVICE inline Fault check_distance(uint32_t word, const Position& a,
                                                 const Position& b) {
  constexpr int64_t kScale = kUnits / 1000;
  const PairLimit limit = unpack(word);
  const int64_t d = squared_distance(a, b);
  const int64_t low = limit.low * kScale, high = limit.high * kScale;
  const bool near = d < low * low;
  if (!near && (limit.high == PairLimit::kNoLimit || d <= high * high)) return Fault::kNone;
  if (limit.relation == Relation::kBond) return Fault::kBond;
  if (limit.relation == Relation::kAngle) return Fault::kAngle;
  return near ? Fault::kClash : Fault::kReach;
}

/// Distances of atom `i` to those before it, nearest in the text first: they decide most often.
template <typename Points>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Fault check_distances(const HardSetView& set,
                                                                       const Points& at, int i) {
  const uint32_t* limits = set.pairs(i);
  const Position place = at[i];
  for (int j = i - 1; j >= 0; --j) {
    const Fault fault = check_distance(limits[j], place, at[j]);
    if (fault != Fault::kNone) return fault;
  }
  return Fault::kNone;
}

/// Everything that is decided once atom `i` stands at at[i]; at[0 .. i - 1] stand. `full`: more
/// than stereo. `Points`: anything whose [] gives the position of an atom.
template <typename Points>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline Fault check_atom(const HardSetView& set,
                                                                  const Points& at, int i,
                                                                  bool full) {
  if (full) {
    const Fault fault = check_distances(set, at, i);
    if (fault != Fault::kNone) return fault;
  }
  for (int k = set.hand_begin(i); k < set.hand_begin(i + 1); ++k) {
    if (!hand_right(set, set.hand(k), at)) return Fault::kHand;
  }
  for (int k = set.side_begin(i); k < set.side_begin(i + 1); ++k) {
    if (!side_right(set.side(k), at)) return Fault::kSide;
  }
  if (!full) return Fault::kNone;
  for (int k = set.plane_begin(i); k < set.plane_begin(i + 1); ++k) {
    if (!plane_right(set, set.plane(k), at)) return Fault::kPlane;
  }
  return Fault::kNone;
}

/// The first fault of a whole molecule, atom by atom; kNone: all of the set holds.
template <typename Points>
Fault first_fault(const HardSetView& set, const Points& at, bool full) {
  for (int i = 0; i < set.atoms(); ++i) {
    const Fault fault = check_atom(set, at, i, full);
    if (fault != Fault::kNone) return fault;
  }
  return Fault::kNone;
}

}  // namespace molgen3d::geometry
