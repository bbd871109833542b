// Which atoms of a molecule may stand for each other: its graph automorphisms.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "molecule/molecule.h"

namespace molgen3d {

/// What RDKit's GetBestRMS calls symmetrizeConjugatedTerminalGroups.
enum class TerminalGroups : uint8_t {
  kMerged,    ///< terminal O and N of a conjugated group are equal (carboxylate, nitro, sulfonate,
              ///< amidine): RDKit's default
  kDistinct,  ///< plain automorphisms of the molecular graph
};

struct SymmetryOptions {
  TerminalGroups terminal_groups = TerminalGroups::kMerged;
  size_t max_maps = 1'000'000;  ///< RDKit's maxMatches
};

/// All automorphisms; `maps[m][i]` is the atom that stands for atom i. The identity is among them.
/// Stereo plays no part, as in GetBestRMS.
struct SymmetryMaps {
  size_t atoms = 0;
  std::vector<std::vector<uint16_t>> maps;
  bool capped = false;  ///< there may be more than max_maps
};

SymmetryMaps symmetry_maps(const Molecule& molecule, const SymmetryOptions& options = {});

/// `place[i]`: the atom of `to` that atom i of `from` is, for two molecules of the same graph
/// (heavy atoms as given, stereo ignored); nothing when the graphs differ. Terminal groups count as
/// distinct.
std::optional<std::vector<size_t>> atom_map(const Molecule& from, const Molecule& to);

/// Atom i of the result stands where atom place[i] does: `coordinates` of a molecule in the order
/// of another, with `place = atom_map(other, molecule)`.
Coordinates reordered(const Coordinates& coordinates, const std::vector<size_t>& place);

}  // namespace molgen3d
