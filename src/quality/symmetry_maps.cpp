#include "quality/symmetry_maps.h"

#include <GraphMol/GraphMol.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/Substruct/SubstructMatch.h>

#include "molecule/terminal_groups.h"
#include "quality/rdkit_call.h"

namespace molgen3d {

namespace {

// Bonds of conjugated terminal atoms become alike, and so do their charges: carboxylate's oxygens
// can then be exchanged.
void merge_terminal_groups(RDKit::RWMol& mol) {
  for (const auto& [terminal, centre] : conjugated_terminal_atoms(mol)) {
    mol.getAtomWithIdx(terminal)->setFormalCharge(0);
    mol.getBondBetweenAtoms(terminal, centre)->setBondType(RDKit::Bond::SINGLE);
  }
}

}  // namespace

SymmetryMaps symmetry_maps(const Molecule& molecule, const SymmetryOptions& options) {
  RDKit::RWMol mol(molecule.rdkit());
  SymmetryMaps out;
  out.atoms = mol.getNumAtoms();
  std::vector<RDKit::MatchVectType> matches;
  rdkit_call("automorphisms", [&] {
    if (options.terminal_groups == TerminalGroups::kMerged) merge_terminal_groups(mol);
    RDKit::SubstructMatchParameters parameters;
    parameters.uniquify = false;
    parameters.maxMatches = static_cast<unsigned>(options.max_maps);
    matches = RDKit::SubstructMatch(mol, mol, parameters);
  });
  out.capped = matches.size() >= options.max_maps;
  out.maps.reserve(matches.size());
  for (const RDKit::MatchVectType& match : matches) {
    std::vector<uint16_t> map(out.atoms);
    for (const auto& [from, to] : match) map[static_cast<size_t>(from)] = static_cast<uint16_t>(to);
    out.maps.push_back(std::move(map));
  }
  return out;
}

std::optional<std::vector<size_t>> atom_map(const Molecule& from, const Molecule& to) {
  const RDKit::ROMol& query = from.rdkit();
  const RDKit::ROMol& mol = to.rdkit();
  if (query.getNumAtoms() != mol.getNumAtoms() || query.getNumBonds() != mol.getNumBonds())
    return std::nullopt;
  std::vector<RDKit::MatchVectType> matches;
  rdkit_call("atom mapping", [&] {
    RDKit::SubstructMatchParameters parameters;
    parameters.maxMatches = 1;
    matches = RDKit::SubstructMatch(mol, query, parameters);
  });
  if (matches.empty()) return std::nullopt;
  std::vector<size_t> place(query.getNumAtoms());
  for (const auto& [i, j] : matches[0]) {
    // A query atom without charge matches a charged one.
    const auto* a = query.getAtomWithIdx(static_cast<unsigned>(i));
    const auto* b = mol.getAtomWithIdx(static_cast<unsigned>(j));
    if (a->getFormalCharge() != b->getFormalCharge()) return std::nullopt;
    place[static_cast<size_t>(i)] = static_cast<size_t>(j);
  }
  return place;
}

Coordinates reordered(const Coordinates& coordinates, const std::vector<size_t>& place) {
  Coordinates out(place.size());
  for (size_t i = 0; i < place.size(); ++i) out[i] = coordinates.at(place[i]);
  return out;
}

}  // namespace molgen3d
