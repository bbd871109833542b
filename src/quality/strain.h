// How much energy a conformer loses when it may relax.
#pragma once

#include <optional>

#include "molecule/molecule.h"

namespace molgen3d {

/// MMFF94 energy of the conformer less that of the local minimum it relaxes to, kcal/mol. Hydrogens
/// are placed and relaxed first with the heavy atoms held, so that only heavy atoms are judged.
/// At most `iterations` steps for each. Nothing when MMFF94 has no type for an atom, or an energy
/// is not finite. The atoms of `molecule` are in its input order and have coordinates.
std::optional<double> mmff_strain(const Molecule& molecule, int iterations = 500);

}  // namespace molgen3d
