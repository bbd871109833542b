// Conformers are compared by their heavy atoms.
#pragma once

#include "molecule/molecule.h"

namespace molgen3d {

/// The molecule without those explicit hydrogens that RDKit's RemoveHs leaves in place: the one of
/// `[H]/N=C/C`, whose side the heavy atoms cannot show (the double bond loses its stereo). Isotopes
/// stay, and so does a molecule that would have no atom left. Throws Error when RDKit cannot.
Molecule without_hydrogens(const Molecule& molecule);

}  // namespace molgen3d
