// What the text of a molecule depends on beside its SMILES: the chemistry that reads and writes it.
#pragma once

#include <string>

namespace molgen3d {

struct ChemistryVersions {
  std::string rdkit;
  std::string canonical;  ///< hash of the canonical forms of some molecules that are hard to write
};
/// Of this program.
const ChemistryVersions& chemistry_versions();
/// Throws Error, beginning with `place`, when they differ.
void require_same_chemistry(const ChemistryVersions& was, const ChemistryVersions& is,
                            const std::string& place);

}  // namespace molgen3d
