#include "molecule/terminal_groups.h"

#include <GraphMol/GraphMol.h>

namespace molgen3d {

namespace {

bool is_terminal(const RDKit::Atom& atom) {
  return (atom.getAtomicNum() == 7 || atom.getAtomicNum() == 8) && atom.getDegree() == 1;
}

}  // namespace

std::vector<std::pair<unsigned, unsigned>> conjugated_terminal_atoms(const RDKit::ROMol& mol) {
  std::vector<std::pair<unsigned, unsigned>> out;
  for (const RDKit::Atom* centre : mol.atoms()) {
    std::vector<unsigned> terminal;
    bool single = false;
    bool twofold = false;
    for (const RDKit::Bond* bond : mol.atomBonds(centre)) {
      const RDKit::Atom* other = bond->getOtherAtom(centre);
      if (!is_terminal(*other)) continue;
      const bool is_single = bond->getBondType() == RDKit::Bond::SINGLE;
      if (!is_single && bond->getBondType() != RDKit::Bond::DOUBLE) continue;
      (is_single ? single : twofold) = true;
      terminal.push_back(other->getIdx());
    }
    if (!single || !twofold) continue;
    for (const unsigned atom : terminal) out.emplace_back(atom, centre->getIdx());
  }
  return out;
}

}  // namespace molgen3d
