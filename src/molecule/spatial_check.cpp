#include "molecule/spatial_check.h"

#include <ForceField/UFF/Params.h>
#include <GraphMol/ForceFieldHelpers/UFF/AtomTyper.h>
#include <GraphMol/GraphMol.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "molecule/rdkit_guard.h"

namespace molgen3d {

namespace {

/// Nearer than this, in A, two atoms are in one place.
constexpr double kSamePlace = 0.2;
/// Spread of z, in A, below which a structure is flat: files have four decimals.
constexpr double kFlat = 1e-3;
/// Deviation of a bond from UFF's length. Drawings with bonds of 1.5 A are 7.5 % off at an aromatic
/// ring and 20 % at C=O; force fields differ by less than the second for real molecules.
constexpr double kTaggedTolerance = 0.07;  ///< the file itself says 2D
constexpr double kBondTolerance = 0.20;
/// Drawn chains and six-membered rings have 120 degrees where carbon has 109.5.
constexpr double kDrawnAngle = 117.0;

std::string same_place(const RDKit::Conformer& conformer) {
  const auto& points = conformer.getPositions();
  std::vector<unsigned> order(points.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](unsigned a, unsigned b) { return points[a].x < points[b].x; });
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t j = i + 1; j < order.size(); ++j) {
      const auto& a = points[order[i]];
      const auto& b = points[order[j]];
      if (b.x - a.x >= kSamePlace) break;
      if ((a - b).length() >= kSamePlace) continue;
      return fmt::format("no 3D coordinates: atoms {} and {} are in one place",
                         std::min(order[i], order[j]) + 1, std::max(order[i], order[j]) + 1);
    }
  }
  return {};
}

bool is_flat(const RDKit::Conformer& conformer) {
  const auto& points = conformer.getPositions();
  const auto [low, high] = std::minmax_element(
      points.begin(), points.end(), [](const auto& a, const auto& b) { return a.z < b.z; });
  return high->z - low->z < kFlat;
}

double degrees(const RDKit::Conformer& conformer, unsigned a, unsigned centre, unsigned b) {
  const auto middle = conformer.getAtomPos(centre);
  return (conformer.getAtomPos(a) - middle).angleTo(conformer.getAtomPos(b) - middle) * 180 /
         std::numbers::pi;
}

/// An atom that cannot be as it stands in a plane, by its number; 0 when there is none.
unsigned tetrahedral_atom(const RDKit::ROMol& mol, bool tagged) {
  for (const RDKit::Atom* atom : mol.atoms()) {
    if (atom->getAtomicNum() != 6 || atom->getHybridization() != RDKit::Atom::SP3) continue;
    if (atom->getDegree() >= 3) return atom->getIdx() + 1;
    const RDKit::RingInfo& rings = *mol.getRingInfo();
    const bool small_ring =
        rings.numAtomRings(atom->getIdx()) > 0 && rings.minAtomRingSize(atom->getIdx()) < 6;
    if (!tagged || atom->getDegree() != 2 || small_ring) continue;
    std::vector<unsigned> ends;
    for (const RDKit::Atom* end : mol.atomNeighbors(atom)) ends.push_back(end->getIdx());
    if (degrees(mol.getConformer(), ends[0], atom->getIdx(), ends[1]) > kDrawnAngle) {
      return atom->getIdx() + 1;
    }
  }
  return 0;
}

std::string drawing(const RDKit::ROMol& mol) {
  const RDKit::Conformer& conformer = mol.getConformer();
  if (mol.getNumAtoms() < 3 || !is_flat(conformer)) return {};
  const bool tagged = !conformer.is3D();
  if (const unsigned atom = tetrahedral_atom(mol, tagged)) {
    return fmt::format("no 3D coordinates: a flat drawing, but atom {} is tetrahedral", atom);
  }
  const double tolerance = tagged ? kTaggedTolerance : kBondTolerance;
  for (const RDKit::Bond* bond : mol.bonds()) {
    const unsigned a = bond->getBeginAtomIdx();
    const unsigned b = bond->getEndAtomIdx();
    ForceFields::UFF::UFFBond sound{};
    if (!RDKit::UFF::getUFFBondStretchParams(mol, a, b, sound)) continue;
    const double length = (conformer.getAtomPos(a) - conformer.getAtomPos(b)).length();
    if (std::abs(length / sound.r0 - 1) <= tolerance) continue;
    return fmt::format(
        "no 3D coordinates: a flat drawing, atoms {} and {} are {:.2f} A apart where {:.2f} A is "
        "usual",
        a + 1, b + 1, length, sound.r0);
  }
  return {};
}

}  // namespace

std::string why_not_spatial(const Molecule& molecule) {
  RDKit::RWMol mol(molecule.rdkit());  // typing atoms computes properties
  std::string found = same_place(mol.getConformer());
  if (!found.empty()) return found;
  // An atom without a type decides nothing.
  const std::string unknown = rdkit_cause([&] { found = drawing(mol); });
  return unknown.empty() ? found : std::string();
}

}  // namespace molgen3d
