// Positions of atoms in space.
#pragma once

#include <vector>

namespace molgen3d {

/// One position in Angstrom.
struct Point3 {
  double x = 0;
  double y = 0;
  double z = 0;
  bool operator==(const Point3&) const = default;
};
using Coordinates = std::vector<Point3>;

}  // namespace molgen3d
