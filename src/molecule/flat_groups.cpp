#include "molecule/flat_groups.h"

#include <GraphMol/GraphMol.h>

#include <algorithm>

namespace molgen3d {

namespace {

bool is_planar_carbon(const RDKit::Atom& atom) {
  return atom.getAtomicNum() == 6 && atom.getTotalDegree() == 3 &&
         atom.getHybridization() == RDKit::Atom::SP2;
}

}  // namespace

FlatGroups flat_groups(const RDKit::ROMol& mol) {
  FlatGroups out;
  for (const auto& ring : mol.getRingInfo()->atomRings()) {
    if (ring.size() != 5 && ring.size() != 6) continue;
    if (std::all_of(ring.begin(), ring.end(), [&](int a) {
          const auto* atom = mol.getAtomWithIdx(static_cast<unsigned>(a));
          return atom->getIsAromatic() && atom->getHybridization() == RDKit::Atom::SP2;
        }))
      out.rings.emplace_back(ring.begin(), ring.end());
    if (ring.size() == 6 && std::all_of(ring.begin(), ring.end(), [&](int a) {
          const auto index = static_cast<unsigned>(a);
          return mol.getAtomWithIdx(index)->getHybridization() == RDKit::Atom::SP3 &&
                 mol.getRingInfo()->numAtomRings(index) == 1;
        }))
      out.saturated.emplace_back(ring.begin(), ring.end());
  }
  for (const RDKit::Bond* bond : mol.bonds()) {
    if (bond->getBondType() != RDKit::Bond::DOUBLE || bond->getIsAromatic() ||
        !is_planar_carbon(*bond->getBeginAtom()) || !is_planar_carbon(*bond->getEndAtom()))
      continue;
    std::vector<uint32_t> atoms;
    for (const RDKit::Atom* end : {bond->getBeginAtom(), bond->getEndAtom()}) {
      atoms.push_back(end->getIdx());
      for (const RDKit::Atom* neighbour : mol.atomNeighbors(end)) {
        if (neighbour->getIdx() != bond->getOtherAtomIdx(end->getIdx()))
          atoms.push_back(neighbour->getIdx());
      }
    }
    std::sort(atoms.begin(), atoms.end());
    atoms.erase(std::unique(atoms.begin(), atoms.end()), atoms.end());  // cyclopropene
    if (atoms.size() >= 4) out.ethenes.push_back(std::move(atoms));
  }
  return out;
}

}  // namespace molgen3d
