// Places where an atom could stand, and which texts lead there: the projections that masked blocks
// are drawn from.
//
// While x is written, candidates lie on spheres around the atom's parent; once x is known, on
// circles in its plane; once y is known, on a line. Those that satisfy the hard set are the
// feasible set in points; a text is legal while some of them are near to what it can still become.
// That admits a little too much and leaves out only what lies between the points; the last digit is
// decided by the check itself.
#pragma once

#include <cmath>

#include "geometry/block_reader.h"
#include "geometry/check.h"

namespace molgen3d::geometry {

inline constexpr int kDirections = 1024;  ///< of spheres
inline constexpr int kAngles = 128;       ///< of circles
inline constexpr int kRadii = 3;          ///< 96, 100, 104 % of the bond's length
inline constexpr int kLinePlaces = 192;
inline constexpr int kCandidates = kDirections * kRadii;  ///< most of them
/// By the number being written: 0 x, 1 y, 2 z.
MOLGEN3D_HOST_DEVICE constexpr int candidate_count(int axis) {
  return axis == 0 ? kCandidates : axis == 1 ? kAngles * kRadii : kLinePlaces;
}
/// Somewhat more than half their spacing, in units.
MOLGEN3D_HOST_DEVICE constexpr int32_t candidate_reach(int axis) {
  return axis == 0 ? 1000 : axis == 1 ? 700 : 150;
}

/// Unit vectors in units: kDirections of a Fibonacci sphere, then kAngles of the circle in x and y;
/// made once, the same everywhere.
inline constexpr int kDirectionTable = kDirections + kAngles;
const Position* candidate_directions();

/// Length of a bond for the `radius`-th of its spheres, units.
MOLGEN3D_HOST_DEVICE inline int64_t candidate_length(const PairLimit& bond, int radius) {
  return (bond.low + bond.high) / 2 * (96 + 4 * radius) * (kUnits / 1000) / 100;
}

/// The place of sphere candidate `index` of an atom whose parent stands at `parent`.
MOLGEN3D_HOST_DEVICE inline Position sphere_place(const Position* directions,
                                                  const Position& parent, const PairLimit& bond,
                                                  int index) {
  const Position& d = directions[index / kRadii];
  const int64_t length = candidate_length(bond, index % kRadii);
  const auto along = [&](int32_t part) { return static_cast<int32_t>(part * length / kUnits); };
  return {parent.x + along(d.x), parent.y + along(d.y), parent.z + along(d.z)};
}

/// The place of candidate `index` while the number of `reader` is written.
MOLGEN3D_HOST_DEVICE inline Position candidate_place(const Position* directions,
                                                     const Position& parent, const PairLimit& bond,
                                                     const ReaderState& reader, int axis,
                                                     int index) {
  if (axis == 0) return sphere_place(directions, parent, bond, index);
  const int32_t x = reader.value[0], y = reader.value[1];
  if (axis == 2) {
    // From pole to pole of the largest sphere.
    const int32_t high = static_cast<int32_t>(bond.high) * (kUnits / 1000);
    return {x, y, parent.z + high * (2 * index - (kLinePlaces - 1)) / (kLinePlaces - 1)};
  }
  const Position& d = directions[kDirections + index / kRadii];
  const double length = static_cast<double>(candidate_length(bond, index % kRadii));
  const double off = static_cast<double>(x - parent.x);
  const double left = length * length - off * off;
  const double radius = left > 0 ? sqrt(left) : 0;
  return {x, parent.y + static_cast<int32_t>(d.x * radius / kUnits),
          parent.z + static_cast<int32_t>(d.y * radius / kUnits)};
}

/// Whether the number being written can still become `value`, by about `reach`.
MOLGEN3D_HOST_DEVICE inline bool may_become(const ReaderState& s, int32_t value, int32_t reach,
                                            const NumberText& numbers) {
  const int32_t m = s.negative ? -value : value;
  if (s.integer_digits == 0) return !s.sign_known || m >= -reach;
  if (s.decimals >= 0) {
    int32_t width = kUnits;
    for (int i = 0; i < s.decimals; ++i) width /= 10;
    const int32_t low = units_of(s.digits, s.decimals);
    return m >= low - reach && m < low + width + reach;
  }
  int64_t low = units_of(s.digits, -1), width = kUnits;
  for (int digits = s.integer_digits; digits <= numbers.max_integer_digits; ++digits) {
    if (m >= low - reach && m < low + width + reach) return true;
    if (s.digits == 0) break;  // a leading zero stands alone
    low *= 10;
    width *= 10;
  }
  return false;
}

/// Whether a block that stands at `s` may still end near `place`.
MOLGEN3D_HOST_DEVICE inline bool may_reach(const ReaderState& s, const Position& place,
                                           int32_t reach, const NumberText& numbers) {
  const int32_t wanted[3] = {place.x, place.y, place.z};
  for (int axis = 0; axis < 3; ++axis) {
    if (axis < s.axis || !s.inside) {
      const int32_t off = wanted[axis] - s.value[axis];
      if (off > reach || off < -reach) return false;
    } else if (axis == s.axis && !may_become(s, wanted[axis], reach, numbers)) {
      return false;
    }
  }
  return true;
}

}  // namespace molgen3d::geometry
