// Is a conformer chemically plausible: bonds, angles, clashes, flat groups. Heavy atoms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "molecule/molecule.h"

namespace molgen3d {

/// Limits of the checks. The defaults are those of PoseBusters (Buttenschoen et al., Chem. Sci. 15,
/// 3130, 2024), which are forgiving on purpose.
struct GeometryLimits {
  double bond = 0.25;    ///< distance-geometry bounds of bonds are widened by this share
  double angle = 0.25;   ///< the same for 1,3 distances
  double clash = 0.30;   ///< other pairs: how far below the lower bound, as a share of it
  double flat = 0.25;    ///< Angstrom off the plane at most, aromatic rings and C=C
  double pucker = 0.05;  ///< Angstrom off the plane at least, saturated rings of six
  /// Pairs four bonds apart count in the clash check. RDKit's bounds for them assume trans amides
  /// and esters, so that correct cis ones fail.
  bool clash_1_5 = true;
};

/// As PoseBusters.
inline constexpr GeometryLimits kPoseBustersLimits{};
/// Limits that 99 % of real structures (CREST, COD, PDB) still meet.
inline constexpr GeometryLimits kStrictLimits{0.15, 0.20, 0.30, 0.15, 0.05, false};

enum class GeometryTest : uint8_t {
  kBonds,
  kAngles,
  kClash,
  kFlatRings,
  kFlatDoubleBonds,
  kPuckeredRings,
  kCount
};
inline constexpr size_t kGeometryTests = static_cast<size_t>(GeometryTest::kCount);
/// "bond lengths", "bond angles", "clash", "flat aromatic rings", "flat C=C",
/// "saturated rings not flat"
const char* geometry_test_name(GeometryTest test);

/// Worst values of one conformer; 0 where there is nothing to look at.
struct GeometryMeasure {
  double bond = 0;       ///< largest deviation beyond the bounds, as a share of the bound
  double angle = 0;      ///< the same for 1,3 distances
  double clash = 0;      ///< largest shortfall below the lower bound, as a share of it
  double clash_far = 0;  ///< the same without pairs four bonds apart
  double ring = 0;       ///< largest distance from the plane of an aromatic ring, Angstrom
  double ethene = 0;     ///< largest distance from the plane of a C=C and its neighbours, Angstrom
  /// Over saturated rings: the largest distance from the plane of the flattest one, Angstrom.
  double pucker = std::numeric_limits<double>::infinity();
  bool finite = true;  ///< all coordinates are

  /// Which tests the conformer passes; none when a coordinate is not finite.
  bool passes(GeometryTest test, const GeometryLimits& limits) const;
  bool passes(const GeometryLimits& limits) const;
};

/// Everything about a molecule that the checks need, made once. Bounds: RDKit's distance geometry
/// with 1,5 bounds, scaled van der Waals radii and triangle smoothing; bounds of conjugated
/// terminal bonds (carboxylate, nitro) are joined per centre. Rings: aromatic, of five or six
/// atoms. Saturated rings: six sp3 atoms that are in no other ring. C=C: both carbons with their
/// neighbours, when there are at least four atoms. Immutable.
class GeometryChecker {
 public:
  /// `molecule`: the graph, heavy atoms; coordinates are not looked at. Throws Error when RDKit
  /// finds no bounds.
  explicit GeometryChecker(const Molecule& molecule);

  /// `coordinates` in the molecule's atom order.
  GeometryMeasure measure(const Coordinates& coordinates) const;

 private:
  enum class Relation : uint8_t { kBond, kAngle, kFourApart, kOther };
  struct Pair {
    uint32_t first, second;
    double low, high;
    Relation relation;
  };
  size_t atoms_ = 0;
  std::vector<Pair> pairs_;
  std::vector<std::vector<uint32_t>> rings_, ethenes_, saturated_;
};

}  // namespace molgen3d
