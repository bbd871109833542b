#include "molecule/stereo.h"

#include <GraphMol/GraphMol.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "molecule/stereo_isomorphism.h"
#include "molecule/stereo_tags.h"

namespace molgen3d {

namespace {

using RDKit::Atom;
using RDKit::Bond;

/// Volume of three unit vectors; an ideal tetrahedral centre has 0.77. Below this it counts as
/// flat.
constexpr double kFlatVolume = 0.1;
/// |cos(torsion)| below this (80 to 100 degrees) decides neither cis nor trans.
constexpr double kSquareCosine = 0.1736;

bool is_tetrahedral(const Atom& atom) {
  return atom.getChiralTag() == Atom::CHI_TETRAHEDRAL_CW ||
         atom.getChiralTag() == Atom::CHI_TETRAHEDRAL_CCW;
}

/// What a centre that is not tetrahedral is called; null for others.
const char* other_shape(const Atom& atom) {
  switch (atom.getChiralTag()) {
    case Atom::CHI_SQUAREPLANAR:
      return "square planar";
    case Atom::CHI_TRIGONALBIPYRAMIDAL:
      return "trigonal bipyramidal";
    case Atom::CHI_OCTAHEDRAL:
      return "octahedral";
    case Atom::CHI_ALLENE:
      return "allene";
    case Atom::CHI_TETRAHEDRAL:
    case Atom::CHI_OTHER:
      return "other";
    default:
      return nullptr;
  }
}

/// The tag that the coordinates give, CHI_UNSPECIFIED when they do not decide. RDKit's tags refer
/// to the order of an atom's bonds: seen from the first neighbour, the next two (and the last:
/// fourth neighbour, hydrogen or lone pair) run clockwise (CW).
Atom::ChiralType tag_in_space(const RDKit::ROMol& mol, const Atom& atom) {
  const RDKit::Conformer& conformer = mol.getConformer();
  const RDGeom::Point3D centre = conformer.getAtomPos(atom.getIdx());
  std::vector<RDGeom::Point3D> arms;
  for (const Bond* bond : mol.atomBonds(&atom)) {
    RDGeom::Point3D arm = conformer.getAtomPos(bond->getOtherAtomIdx(atom.getIdx())) - centre;
    const double length = arm.length();
    if (!(length > 1e-6)) return Atom::CHI_UNSPECIFIED;
    arm /= length;
    arms.push_back(arm);
  }
  if (arms.size() < 3 || arms.size() > 4) return Atom::CHI_UNSPECIFIED;
  double volume = arms[0].dotProduct(arms[1].crossProduct(arms[2]));
  if (arms.size() == 4) {
    // The fourth neighbour stands on the other side: take the volume of the whole tetrahedron,
    // which stays sound when three of the four arms happen to lie in a plane.
    volume =
        (arms[0] - arms[3]).dotProduct((arms[1] - arms[3]).crossProduct(arms[2] - arms[3])) / 4;
  }
  if (!(std::abs(volume) >= kFlatVolume)) return Atom::CHI_UNSPECIFIED;
  return volume < 0 ? Atom::CHI_TETRAHEDRAL_CW : Atom::CHI_TETRAHEDRAL_CCW;
}

/// +1 cis, -1 trans, 0 undecided.
int side_in_space(const RDKit::ROMol& mol, const Bond& bond) {
  const RDKit::Conformer& conformer = mol.getConformer();
  const RDGeom::Point3D begin = conformer.getAtomPos(bond.getBeginAtomIdx());
  const RDGeom::Point3D end = conformer.getAtomPos(bond.getEndAtomIdx());
  const RDGeom::Point3D axis = end - begin;
  const auto& reference = bond.getStereoAtoms();
  const RDGeom::Point3D a =
      (conformer.getAtomPos(static_cast<unsigned>(reference[0])) - begin).crossProduct(axis);
  const RDGeom::Point3D b =
      (conformer.getAtomPos(static_cast<unsigned>(reference[1])) - end).crossProduct(axis);
  const double scale = a.length() * b.length();
  if (!(scale > 1e-9)) return 0;
  const double cosine = a.dotProduct(b) / scale;
  if (!(std::abs(cosine) >= kSquareCosine)) return 0;
  return cosine > 0 ? 1 : -1;
}

int8_t sign_of(Atom::ChiralType tag) {
  if (tag == Atom::CHI_UNSPECIFIED) return 0;
  return tag == Atom::CHI_TETRAHEDRAL_CW ? 1 : -1;
}

}  // namespace

size_t specified_centres(const Molecule& molecule) {
  size_t count = 0;
  for (const Atom* atom : molecule.rdkit().atoms())
    count += atom->getChiralTag() != Atom::CHI_UNSPECIFIED;
  return count;
}

std::vector<std::string> unjudged_stereo(const Molecule& molecule) {
  std::vector<std::string> out = molecule.lost_stereo();
  for (const Atom* atom : molecule.rdkit().atoms()) {
    if (const char* shape = other_shape(*atom)) {
      out.push_back(fmt::format("{} centre at atom {}", shape, atom->getIdx() + 1));
    }
  }
  return out;
}

StereoVerdict judge_stereo(const Molecule& molecule) {
  if (!molecule.has_coordinates()) throw Error("stereo comparison: no coordinates");
  const RDKit::ROMol& mol = molecule.rdkit();
  StereoVerdict verdict;
  verdict.not_judged = unjudged_stereo(molecule);
  StereoMarks wanted{std::vector<int8_t>(mol.getNumAtoms()),
                     std::vector<int8_t>(mol.getNumBonds())};
  StereoMarks found = wanted;
  size_t inverted = 0;
  for (const Atom* atom : mol.atoms()) {
    if (!is_tetrahedral(*atom)) continue;
    const Atom::ChiralType tag = tag_in_space(mol, *atom);
    wanted.centres[atom->getIdx()] = sign_of(atom->getChiralTag());
    found.centres[atom->getIdx()] = sign_of(tag);
    if (tag == Atom::CHI_UNSPECIFIED) {
      ++verdict.centres.undetermined;
    } else {
      ++(tag == atom->getChiralTag() ? verdict.centres.matched : inverted);
    }
  }
  size_t turned = 0;
  for (const Bond* bond : mol.bonds()) {
    const int side = wanted_side(*bond);
    if (side == 0) continue;
    const int there = side_in_space(mol, *bond);
    wanted.bonds[bond->getIdx()] = static_cast<int8_t>(side);
    found.bonds[bond->getIdx()] = static_cast<int8_t>(there);
    if (there == 0) {
      ++verdict.double_bonds.undetermined;
    } else {
      ++(there == side ? verdict.double_bonds.matched : turned);
    }
  }
  if (inverted + turned == 0) return verdict;

  if (same_stereoisomer(mol, wanted, found)) {
    verdict.centres.matched += inverted;
    verdict.double_bonds.matched += turned;
    return verdict;
  }
  verdict.centres.mismatched = inverted;
  verdict.double_bonds.mismatched = turned;
  if (inverted == 0 || verdict.centres.undetermined > 0) return verdict;
  for (int8_t& mark : wanted.centres) mark = static_cast<int8_t>(-mark);
  verdict.mirror_image = same_stereoisomer(mol, wanted, found);
  return verdict;
}

}  // namespace molgen3d
