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
MOLGEN3D_HOST_DEVICE inline int32_t candidate_length(const PairLimit& bond, int radius) {
  const auto middle = static_cast<int32_t>(bond.low + bond.high) / 2;
  return middle * (96 + 4 * radius) * (kUnits / 1000) / 100;
}

/// The place of sphere candidate `index` of an atom whose parent stands at `parent`.
MOLGEN3D_HOST_DEVICE inline Position sphere_place(const Position* directions,
                                                  const Position& parent, const PairLimit& bond,
                                                  int index) {
  const Position& d = directions[index / kRadii];
  const int32_t length = candidate_length(bond, index % kRadii);
  // Bonds are shorter than 20 A: the products fit.
  return {parent.x + d.x * length / kUnits, parent.y + d.y * length / kUnits,
          parent.z + d.z * length / kUnits};
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

/// Calls `test(low, high)` for the intervals of values, in units, both ends included, that the
/// number being written can still become; true when one of them gives true.
template <typename Test>
MOLGEN3D_HOST_DEVICE inline bool any_interval(const ReaderState& s, const NumberText& numbers,
                                              const Test& test) {
  constexpr int32_t kFar = 1 << 24;
  const auto signed_test = [&](int32_t low, int32_t high) {
    return s.negative ? test(-high, -low) : test(low, high);
  };
  if (s.integer_digits == 0) return s.sign_known ? signed_test(0, kFar) : test(-kFar, kFar);
  if (s.decimals >= 0) {
    int32_t width = kUnits;
    for (int i = 0; i < s.decimals; ++i) width /= 10;
    const int32_t low = units_of(s.digits, s.decimals);
    return signed_test(low, low + width - 1);
  }
  int32_t low = units_of(s.digits, -1), width = kUnits;
  for (int digits = s.integer_digits; digits <= numbers.max_integer_digits; ++digits) {
    if (signed_test(low, low + width - 1)) return true;
    if (s.digits == 0) break;  // a leading zero stands alone
    low *= 10;
    width *= 10;
  }
  return false;
}

/// Whether the number being written can still become `value`, by about `reach`.
MOLGEN3D_HOST_DEVICE inline bool may_become(const ReaderState& s, int32_t value, int32_t reach,
                                            const NumberText& numbers) {
  return any_interval(s, numbers, [&](int32_t low, int32_t high) {
    return value >= low - reach && value <= high + reach;
  });
}

/// Whether a block that stands at `s` may still end at `place`.
MOLGEN3D_HOST_DEVICE inline bool may_reach(const ReaderState& s, const Position& place,
                                           const NumberText& numbers) {
  const int32_t wanted[3] = {place.x, place.y, place.z};
  for (int axis = 0; axis < 3; ++axis) {
    if (axis < s.axis || !s.inside) {
      if (wanted[axis] != s.value[axis]) return false;
    } else if (axis == s.axis && !may_become(s, wanted[axis], 0, numbers)) {
      return false;
    }
  }
  return true;
}

/// Whether the block's position stands once a token led to `next` with `events`: it ended the last
/// number, or left it no more digits. `place` is that position then.
MOLGEN3D_HOST_DEVICE inline bool decides_place(const ReaderState& next, const ReadEvents& events,
                                               const NumberText& numbers, Position& place) {
  const bool full = next.inside && next.axis == 2 && next.decimals == numbers.decimals;
  if (!events.closed && !full) return false;
  const int32_t z = units_of(next.digits, next.decimals);
  place = {next.value[0], next.value[1], events.closed ? next.value[2] : next.negative ? -z : z};
  return true;
}

/// The coordinate on `axis`, 0 x, 1 y, 2 z.
MOLGEN3D_HOST_DEVICE inline int32_t coordinate(const Position& place, int axis) {
  return axis == 0 ? place.x : axis == 1 ? place.y : place.z;
}

/// The coordinates of feasible candidates on the axis being written, as bits of bins around the
/// parent's. The sign of the next number is often chosen by the token that ends this one: there is
/// one set of bins for candidates whose next coordinate may be positive, one for negative.
inline constexpr int32_t kBinWidth = 100;  ///< units
inline constexpr int kBins = 832;
inline constexpr int kBinWords = kBins / 32;
inline constexpr int kMaskWords = 2 * kBinWords;

/// Of a value `off` from the parent's; at most the outermost bins.
MOLGEN3D_HOST_DEVICE inline int bin_of(int32_t off) {
  constexpr int32_t kHalf = kBins / 2 * kBinWidth;
  if (off <= -kHalf) return 0;
  return off >= kHalf ? kBins - 1 : (off + kHalf) / kBinWidth;
}
/// Sets the bits of two bins (Search::bins_of); -1: none.
inline void set_bins(uint32_t* words, const int bins[2]) {
  for (int side = 0; side < 2; ++side) {
    if (bins[side] >= 0) words[bins[side] / 32] |= 1U << (bins[side] % 32);
  }
}
/// Whether a bit of bins first .. last is set.
MOLGEN3D_HOST_DEVICE inline bool any_bin(const uint32_t* words, int first, int last) {
  for (int word = first / 32; word <= last / 32; ++word) {
    uint32_t bits = words[word];
    if (word == first / 32) bits &= 0xFFFFFFFFU << first % 32;
    if (word == last / 32) bits &= 0xFFFFFFFFU >> (31 - last % 32);
    if (bits != 0) return true;
  }
  return false;
}

}  // namespace molgen3d::geometry
