// Are the bonds as long as they should be?
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "molecule/molecule.h"

namespace molgen3d {

struct BondLength {
  uint32_t first = 0, second = 0;  ///< atoms, in the order of the molecule
  double length = 0;               ///< Angstrom
  double expected = 0;             ///< Angstrom
  double error() const { return length < expected ? expected - length : length - expected; }
};

/// Beyond this a bond counts as off (Angstrom).
inline constexpr double kBondTolerance = 0.25;

/// Every bond of `molecule` (which has coordinates) with the rest length of the Universal Force
/// Field: bond-order corrected sums of covalent radii (Rappe et al., JACS 114, 10024, 1992), as
/// RDKit types the atoms. Bonds without parameters are left out.
std::vector<BondLength> bond_lengths(const Molecule& molecule);

/// The same against a reference conformer: `place[i]` is the atom of `molecule` that the
/// reference's atom i is. Empty when the bonds differ.
std::vector<BondLength> bond_lengths(const Molecule& molecule, const Molecule& reference,
                                     const std::vector<size_t>& place);

}  // namespace molgen3d
