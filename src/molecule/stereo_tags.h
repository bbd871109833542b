// The stereochemistry that a molecule's graph specifies, in terms of signs. For code that sees
// RDKit.
#pragma once

#include <string>
#include <vector>

namespace RDKit {
class Bond;
class ROMol;
}  // namespace RDKit

namespace molgen3d {

/// A specified tetrahedral centre: the triple product of the vectors from `atom` to arms 0, 1, 2
/// has this sign; with four arms the last stands on the other side.
struct CentreTag {
  unsigned atom;
  std::vector<unsigned> arms;  ///< neighbours in the order of the atom's bonds: three or four
  int sign;                    ///< +1 or -1
};

struct StereoTags {
  std::vector<CentreTag> centres;
  /// Specified but not judged, one line each: allenes, non-tetrahedral centres, centres with fewer
  /// than three neighbours.
  std::vector<std::string> not_judged;
};
StereoTags stereo_tags(const RDKit::ROMol& mol);

/// +1 cis, -1 trans (of the bond's stereo atoms), 0 when the molecule does not say.
int wanted_side(const RDKit::Bond& bond);

}  // namespace molgen3d
