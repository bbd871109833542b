// Where a drafted atom may be: on a shell around the atom that it is bonded to, as far as its
// numbers leave that open. x lies evenly within a bond length of the other's; with x known, y is
// near one of two sides; with both, z is in one of two short intervals, so its sign and first
// digits are often known. Only drafts ask: nothing of an answer depends on it. Host and device.
#pragma once

#include <cmath>

#include "geometry/block_reader.h"

namespace molgen3d {

/// Of a draft's law, what the bond says where it says something; the rest is the state's own law,
/// for bonds that are longer.
inline constexpr float kBondShare = 0.95F;

struct BondLaw {
  bool known = false;       ///< whether there is an atom before it
  float at[3] = {0, 0, 0};  ///< of the other atom, Angstrom

  MOLGEN3D_HOST_DEVICE void set(const geometry::Position& p) {
    constexpr float kAngstrom = 1.0F / static_cast<float>(geometry::kUnits);
    known = true;
    at[0] = static_cast<float>(p.x) * kAngstrom;
    at[1] = static_cast<float>(p.y) * kAngstrom;
    at[2] = static_cast<float>(p.z) * kAngstrom;
  }

  /// The weight of the places that a number goes on to when the reader, which stands at `before`,
  /// takes a token of text `text`; negative where the bond says nothing: in the middle of an
  /// integer part, at later decimals, between numbers whose separator leaves the sign open.
  MOLGEN3D_HOST_DEVICE float weight(const geometry::ReaderState& before, geometry::TokenText text,
                                    const geometry::NumberText& numbers) const {
    geometry::ReaderState s = before;
    geometry::read_token(s, text, numbers);
    if (!s.inside || s.axis > 2) return -1;
    const bool same = s.axis == before.axis;
    if (same && before.decimals < 0 && before.integer_digits > 0) return -1;
    if (same && s.decimals > (s.axis == 2 ? 3 : 1)) return -1;
    if (!same && (s.integer_digits > 0 || s.sign_known == 0)) return -1;
    float low = 0, high = 100;
    if (s.integer_digits > 0) {
      float unit = 1;
      for (int i = 0; i < s.decimals; ++i) unit *= 0.1F;
      low = static_cast<float>(s.digits) * unit;
      high = low + unit;
    }
    if (s.negative) {
      const float turned = -low;
      low = -high;
      high = turned;
    }
    float known[2] = {0, 0};
    for (int axis = 0; axis < s.axis; ++axis) {
      known[axis] =
          static_cast<float>(s.value[axis]) / static_cast<float>(geometry::kUnits) - at[axis];
    }
    return between(s.axis, known, low - at[s.axis], high - at[s.axis]);
  }

 private:
  MOLGEN3D_HOST_DEVICE static float within(float x) { return fminf(1.0F, fmaxf(0.0F, x)); }

  /// Share of [low, high] on axis `axis` of the offset, whose earlier axes are `known`.
  MOLGEN3D_HOST_DEVICE static float between(int axis, const float* known, float low, float high) {
    constexpr float kInversePi = 0.318309886F;
    // Common bonds between heavy atoms: aromatic and double, single to nitrogen and oxygen, single
    // between carbons.
    constexpr float kLengths[3] = {1.36F, 1.45F, 1.54F};
    float shortest = 100, longest = 0, sum = 0;
    for (int i = 0; i < 3; ++i) {
      const float length = kLengths[i];
      if (axis == 0) {
        sum += within((high + length) / (2 * length)) - within((low + length) / (2 * length));
        continue;
      }
      const float left = length * length - known[0] * known[0];
      if (axis == 1) {
        const float radius = sqrtf(fmaxf(left, 0.01F));
        sum += kInversePi * (asinf(fminf(1.0F, fmaxf(-1.0F, high / radius))) -
                             asinf(fminf(1.0F, fmaxf(-1.0F, low / radius))));
        continue;
      }
      const float rise = sqrtf(fmaxf(left - known[1] * known[1], 0.0F));
      shortest = fminf(shortest, rise);
      longest = fmaxf(longest, rise);
    }
    if (axis < 2) return sum / 3;
    constexpr float kSlack = 0.02F;
    const float first = shortest - kSlack, width = longest - shortest + 2 * kSlack;
    return 0.5F * (within((high - first) / width) - within((low - first) / width) +
                   within((-low - first) / width) - within((-high - first) / width));
  }
};

}  // namespace molgen3d
