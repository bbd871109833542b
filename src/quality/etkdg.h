// The baseline: RDKit's conformer generator on the same molecules.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/thread_pool.h"
#include "molecule/molecule.h"

namespace molgen3d {

struct EtkdgOptions {
  uint64_t seed = 42;
  bool mmff = false;  ///< relax with MMFF94 (500 iterations) afterwards
};

/// `count` conformers of a molecule given as SMILES: hydrogens added, ETKDGv3 (Wang et al., JCIM
/// 60, 2044, 2020), hydrogens removed again; in the molecule's atom order. Fewer when embedding
/// fails. Depends on nothing but its arguments. Throws Error for molecules that RDKit cannot take.
std::vector<Coordinates> etkdg_conformers(const Molecule& molecule, size_t count,
                                          const EtkdgOptions& options);

}  // namespace molgen3d
