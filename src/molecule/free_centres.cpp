#include "molecule/free_centres.h"

#include <GraphMol/GraphMol.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>

namespace molgen3d {

namespace {

/// Canonical SMILES with the listed centres inverted. Written and read once before the canonical
/// form: RDKit keeps ring stereo in properties that do not follow an inversion.
std::string inverted_smiles(const RDKit::ROMol& mol, const std::vector<unsigned>& centres) {
  RDKit::RWMol copy(mol);
  for (const unsigned atom : centres) copy.getAtomWithIdx(atom)->invertChirality();
  RDKit::SmilesWriteParams as_is;
  as_is.canonical = false;
  as_is.doIsomericSmiles = true;
  const std::unique_ptr<RDKit::ROMol> read(RDKit::SmilesToMol(RDKit::MolToSmiles(copy, as_is)));
  return read ? RDKit::MolToSmiles(*read) : std::string();
}

/// Centres that RDKit calls dependent on each other, as groups.
std::vector<std::vector<unsigned>> ring_groups(const RDKit::ROMol& mol, const StereoTags& tags) {
  std::vector<unsigned> root(mol.getNumAtoms());
  std::iota(root.begin(), root.end(), 0U);
  const auto find = [&](unsigned atom) {
    while (root[atom] != atom) atom = root[atom] = root[root[atom]];
    return atom;
  };
  for (const CentreTag& centre : tags.centres) {
    std::vector<int> others;
    if (!mol.getAtomWithIdx(centre.atom)
             ->getPropIfPresent(RDKit::common_properties::_ringStereoAtoms, others))
      continue;
    for (const int other : others)
      root[find(static_cast<unsigned>(std::abs(other)) - 1)] = find(centre.atom);
  }
  std::vector<std::vector<unsigned>> by_root(mol.getNumAtoms());
  for (const CentreTag& centre : tags.centres) by_root[find(centre.atom)].push_back(centre.atom);
  std::erase_if(by_root, [](const auto& group) { return group.size() < 2; });
  return by_root;
}

}  // namespace

std::vector<std::vector<unsigned>> free_centres(const RDKit::ROMol& mol, const StereoTags& tags) {
  std::vector<std::vector<unsigned>> out;
  if (tags.centres.size() < 2) return out;
  const std::string smiles = inverted_smiles(mol, {});
  if (smiles.empty()) return out;
  std::vector<unsigned> rest;
  for (const CentreTag& centre : tags.centres) rest.push_back(centre.atom);
  for (std::vector<unsigned>& group : ring_groups(mol, tags)) {
    if (inverted_smiles(mol, group) != smiles) continue;
    std::erase_if(rest, [&](unsigned atom) {
      return std::find(group.begin(), group.end(), atom) != group.end();
    });
    out.push_back(std::move(group));
  }
  if (rest.size() >= 2 && inverted_smiles(mol, rest) == smiles) out.push_back(std::move(rest));
  return out;
}

}  // namespace molgen3d
