// Coordinates that are none: before somebody trains on a drawing or measures against one.
#pragma once

#include <string>

#include "molecule/molecule.h"

namespace molgen3d {

/// Why the coordinates of `molecule` (which has some, all finite) are no 3D structure: two atoms in
/// one place (all zero among them), or a drawing: all atoms in the plane z = const though the
/// molecule is not planar, or with bonds of other lengths than such atoms have. Planar molecules
/// with sound bonds pass, also in a mol block whose header says 2D. Empty when nothing speaks
/// against them.
std::string why_not_spatial(const Molecule& molecule);

}  // namespace molgen3d
