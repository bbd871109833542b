// Positions as the text writes them: whole numbers of 1e-4 A, so that host and device compare the
// same values to the last bit.
#pragma once

#include <cstdint>

#include "base/host_device.h"

namespace molgen3d::geometry {

/// Units in one Angstrom.
inline constexpr int32_t kUnits = 10000;

/// Of one atom, in units of 1e-4 A.
struct Position {
  int32_t x = 0, y = 0, z = 0;
  bool operator==(const Position&) const = default;
};

/// Differences and products of positions. Plain IEEE operations, each rounded once: hosts compile
/// with -ffp-contract=off and devices with --fmad=false, so all of them decide alike.
struct Vector {
  double x, y, z;
};

MOLGEN3D_HOST_DEVICE inline Vector minus(const Position& a, const Position& b) {
  return {static_cast<double>(a.x - b.x), static_cast<double>(a.y - b.y),
          static_cast<double>(a.z - b.z)};
}
MOLGEN3D_HOST_DEVICE inline double dot(const Vector& a, const Vector& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
MOLGEN3D_HOST_DEVICE inline Vector cross(const Vector& a, const Vector& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
/// Squared distance in squared units; exact.
MOLGEN3D_HOST_DEVICE inline int64_t squared_distance(const Position& a, const Position& b) {
  const int64_t x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
  return x * x + y * y + z * z;
}

}  // namespace molgen3d::geometry
