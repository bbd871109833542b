// Does the 3D structure have the stereochemistry that the SMILES asks for? Heavy atoms suffice.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "molecule/molecule.h"

namespace molgen3d {

/// Counts over the stereo elements that the molecule specifies.
struct StereoCount {
  size_t matched = 0;
  size_t mismatched = 0;
  size_t undetermined = 0;  ///< (nearly) flat centre, or torsion near 90 degrees, or NaN
  size_t total() const { return matched + mismatched + undetermined; }
};

struct StereoVerdict {
  StereoCount centres;       ///< tetrahedral
  StereoCount double_bonds;  ///< cis / trans
  /// The coordinates are those of the enantiomer: every centre inverted, double bonds right, equal
  /// atoms relabelled where that helps, and the mirror image is another molecule.
  bool mirror_image = false;

  /// Stereo of the input that is not looked at: `allene at atom 3`, `square planar centre at atom
  /// 2`.
  std::vector<std::string> not_judged;

  bool all_matched() const {
    return centres.matched == centres.total() && double_bonds.matched == double_bonds.total();
  }
};

/// Compares `molecule`'s specified stereo with its own coordinates (see with_coordinates()).
/// A centre is judged by the sign of the volume spanned by its first three neighbours (three heavy
/// neighbours and a hydrogen or lone pair will do), a double bond by the torsion of its reference
/// neighbours. What comes out right when equal atoms are relabelled (a meso compound seen in its
/// mirror, a 1,4-disubstituted ring turned over) counts as matched: same_stereoisomer(). Throws
/// Error when there are no coordinates.
StereoVerdict judge_stereo(const Molecule& molecule);

/// How many stereocentres the molecule specifies, of any shape.
size_t specified_centres(const Molecule& molecule);

/// StereoVerdict::not_judged, which does not depend on coordinates.
std::vector<std::string> unjudged_stereo(const Molecule& molecule);

}  // namespace molgen3d
