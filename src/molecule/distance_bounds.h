// Lower and upper distances that RDKit's distance geometry allows. For code that sees RDKit.
#pragma once

#include <DistGeom/BoundsMatrix.h>

namespace RDKit {
class ROMol;
}

namespace molgen3d {

/// Bounds of the atoms as they are (no hydrogens are added), in Angstrom: topological bounds with
/// 1,5 distances and scaled van der Waals radii, triangle smoothing, then the bounds of conjugated
/// terminal bonds (carboxylate, nitro) joined per centre, since which of them is the double one is
/// a matter of drawing. Throws Error when the bounds contradict each other.
DistGeom::BoundsMatPtr distance_bounds(const RDKit::ROMol& mol);

}  // namespace molgen3d
