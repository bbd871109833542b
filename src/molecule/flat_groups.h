// Groups of atoms that lie in a plane, or must not. For code that sees RDKit.
#pragma once

#include <cstdint>
#include <vector>

namespace RDKit {
class ROMol;
}

namespace molgen3d {

/// Atom indices, as the flatness tests of PoseBusters take them (Buttenschoen et al., Chem. Sci.
/// 15, 3130, 2024).
struct FlatGroups {
  std::vector<std::vector<uint32_t>> rings;      ///< aromatic, of five or six sp2 atoms
  std::vector<std::vector<uint32_t>> ethenes;    ///< C=C with its neighbours, at least four atoms
  std::vector<std::vector<uint32_t>> saturated;  ///< six sp3 atoms that are in no other ring
};
/// Ring information must be there.
FlatGroups flat_groups(const RDKit::ROMol& mol);

}  // namespace molgen3d
