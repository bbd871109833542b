// Hydrogens on a conformer of heavy atoms. Private to the room.
#pragma once

#include <string>

namespace RDKit {
class RWMol;
}

namespace molgen3d {

/// Adds all hydrogens to `mol`, which has one finite conformer, after its atoms. RDKit places them;
/// those it leaves without a place (at five-coordinate S and P they end up at the origin) go where
/// the neighbours leave most room, at RDKit's bond length. Returns why there is no sound place, or
/// an empty string. Throws RDKit's exceptions.
std::string place_hydrogens(RDKit::RWMol& mol);

}  // namespace molgen3d
