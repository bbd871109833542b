// What makes two molecules "the same" when data sets are split, cleaned of duplicates and kept
// apart.
#pragma once

#include <string>

#include "molecule/molecule.h"

namespace molgen3d {

/// The molecule read back from its own canonical isomeric SMILES until that no longer changes
/// (RDKit needs a second round for some): typed_smiles() is that SMILES, atoms stand in its order,
/// and coordinates and title come along. Throws Error with the cause when the enriched format
/// cannot carry the molecule.
Molecule canonical_molecule(const Molecule& molecule);

/// Canonical SMILES without stereo and isotopes, the same for all stereoisomers.
std::string graph_key(const Molecule& molecule);

/// graph_key() of the Murcko scaffold: rings and what links them, with atoms double-bonded to these
/// (Bemis and Murcko, J. Med. Chem. 39, 2887 (1996), as RDKit computes it). Empty without rings.
std::string scaffold_key(const Molecule& molecule);

}  // namespace molgen3d
