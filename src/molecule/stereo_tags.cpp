#include "molecule/stereo_tags.h"

#include <fmt/format.h>

#include <GraphMol/GraphMol.h>

namespace molgen3d {

StereoTags stereo_tags(const RDKit::ROMol& mol) {
  using RDKit::Atom;
  StereoTags out;
  for (const Atom* atom : mol.atoms()) {
    const Atom::ChiralType tag = atom->getChiralTag();
    if (tag == Atom::CHI_UNSPECIFIED) continue;
    const bool tetrahedral = tag == Atom::CHI_TETRAHEDRAL_CW || tag == Atom::CHI_TETRAHEDRAL_CCW;
    CentreTag centre{atom->getIdx(), {}, tag == Atom::CHI_TETRAHEDRAL_CW ? -1 : 1};
    for (const RDKit::Bond* bond : mol.atomBonds(atom))
      centre.arms.push_back(bond->getOtherAtomIdx(atom->getIdx()));
    if (tetrahedral && (centre.arms.size() == 3 || centre.arms.size() == 4)) {
      out.centres.push_back(std::move(centre));
    } else {
      out.not_judged.push_back(fmt::format("stereo of atom {} ({}, {} neighbours)",
                                           atom->getIdx() + 1, atom->getSymbol(),
                                           centre.arms.size()));
    }
  }
  return out;
}

int wanted_side(const RDKit::Bond& bond) {
  using RDKit::Bond;
  if (bond.getBondType() != Bond::DOUBLE || bond.getStereoAtoms().size() != 2) return 0;
  switch (bond.getStereo()) {
    case Bond::STEREOZ:
    case Bond::STEREOCIS:
      return 1;
    case Bond::STEREOE:
    case Bond::STEREOTRANS:
      return -1;
    default:
      return 0;
  }
}

}  // namespace molgen3d
