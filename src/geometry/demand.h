// What of the hard set a run asks for (docs/geometry.md).
#pragma once

#include <string>

#include "geometry/hard_set.h"

namespace molgen3d::geometry {

/// A level, how near atoms may come to each other, and, to measure what each part does, which parts
/// of kFull count.
struct Demand {
  Level level = Level::kOff;
  /// Distances that PoseBusters calls clashes are forbidden too, where real structures have them
  /// (docs/geometry.md).
  bool posebusters = false;
  bool bonds = true;    ///< 1,2 distances, and that rings can close
  bool angles = true;   ///< 1,3 distances
  bool clashes = true;  ///< least distances of all other pairs
  bool planes = true;   ///< flat and puckered groups

  Demand() = default;
  Demand(Level asked) : level(asked) {}  // NOLINT(google-explicit-constructor): a level is one
  bool any() const { return level != Level::kOff; }
};

/// "off", "stereo", "full", "posebusters", or "stereo+" with parts of full: "stereo+bonds+angles",
/// of bonds, angles, clashes, planes. Throws Error for other words.
Demand demand_of(const std::string& words);
/// As demand_of() reads it.
std::string demand_name(const Demand& demand);

/// Lifts the limits that `demand` does not ask for. The embedding stays.
void relax(HardSetTables& tables, const Demand& demand);

}  // namespace molgen3d::geometry
