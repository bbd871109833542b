// The hard set of a molecule: what its coordinates must satisfy in space (docs/geometry.md).
#pragma once

#include "geometry/demand.h"
#include "geometry/hard_set.h"
#include "geometry/position.h"
#include "molecule/make_template.h"
#include "molecule/molecule.h"

namespace molgen3d {

/// Thresholds of the hard set. Calibrated on 10,714 real structures (6,990 CREST conformers of
/// drugs, 3,354 protein-bound ligands, 370 crystals), all of which satisfy it; the value in
/// brackets is the worst of them.
struct HardSetThresholds {
  double bond = 0.15;   ///< bounds of 1,2 distances are widened by this share [0.137]
  double angle = 0.20;  ///< the same for 1,3 distances [0.178]
  /// Least distance of atoms 3, 4, 5 and 6 or more bonds apart, Angstrom [2.44, 2.21, 2.38, 2.54].
  double clash[4] = {2.2, 2.2, 2.35, 2.5};
  /// As PoseBusters, which asks for 0.7: share of the distance-geometry lower bound, atoms 3, 4, 5
  /// and 6 or more bonds apart [0.673, 0.655, 0.70, 0.70]. Not for pairs 4 bonds apart across an
  /// amide or ester bond or the like: RDKit's bounds take it for trans, and correct cis ones are
  /// nearer [0.57].
  double clash_share[4] = {0.66, 0.65, 0.70, 0.70};
  bool spare_amides = true;  ///< the exception above
  /// Upper limit of atoms of one ring, 3 or more bonds apart: bound x factor + margin.
  double reach_factor = 1.12;
  double reach_margin = 0.15;  ///< Angstrom
  /// Least triple product of unit vectors: of a centre with three neighbours from the centre to
  /// them, with four from the last neighbour to the others.
  double hand_of_three = 0.35;  ///< [0.423]
  double hand_of_four = 0.35;   ///< [0.419]
  /// The same from a centre with four neighbours to any three of them, which decides earlier, and
  /// is what readers of coordinates look at: by how many rings of three or four the centre is in,
  /// none, one, two and more. Below zero: the four may all stand on one side [0.52, 0.255, -0.30].
  double hand_at_centre[3] = {0.35, 0.20, -0.35};
  /// Specified double bonds: 1,3 distances to their far ends as of an angle of 150 degrees at most.
  double bent_cosine = 0.866;  ///< of 180 degrees less that angle
  double flat = 0.25;          ///< Angstrom off the plane at most: aromatic rings, C=C
  double pucker = 0.05;        ///< Angstrom off the plane at least: lone saturated rings of six
};
inline constexpr HardSetThresholds kHardSetThresholds{};
/// The same where PoseBusters has to find no clash either: it asks for 0.7 of the lower bound for
/// all pairs, so that it refuses real structures (docs/geometry.md). A little more, for roundings.
inline constexpr HardSetThresholds kPoseBustersThresholds{
    .clash_share = {0.701, 0.701, 0.701, 0.701}, .spare_amides = false};

/// The hard set of `molecule`, atoms in the text order of `text_template`. Distances come from
/// RDKit's distance-geometry bounds. Where RDKit has no sound bounds the level falls back to
/// kStereo and HardSet::not_enforced says so. Throws Error when RDKit fails otherwise.
geometry::HardSet hard_set_of(const Molecule& molecule, const Template& text_template,
                              const geometry::Demand& demand);
/// The same with other thresholds.
geometry::HardSet hard_set_of(const Molecule& molecule, const Template& text_template,
                              const geometry::Demand& demand, const HardSetThresholds& thresholds);

/// `coordinates` (Angstrom, text order) in the units of the text, rounded.
std::vector<geometry::Position> positions_of(const Coordinates& coordinates);

}  // namespace molgen3d
