// Groups of stereo centres whose inversion gives the same molecule. For code that sees RDKit.
#pragma once

#include <vector>

#include "molecule/stereo_tags.h"

namespace molgen3d {

/// Disjoint groups of centres (atom indices): either hand of a whole group is the molecule. Cis and
/// trans on rings (1,4-dimethylcyclohexane) are such groups, and all centres of a meso compound
/// together.
std::vector<std::vector<unsigned>> free_centres(const RDKit::ROMol& mol, const StereoTags& tags);

}  // namespace molgen3d
