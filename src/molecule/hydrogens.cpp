#include "molecule/hydrogens.h"

#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>
#include <GraphMol/PeriodicTable.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace molgen3d {

namespace {

using RDGeom::Point3D;

/// RDKit puts hydrogens at exactly its bond length: what is off by more has not been placed.
constexpr double kLengthTolerance = 0.05;
/// Directions that are tried; about 6 degrees apart.
constexpr int kDirections = 1000;
/// The cosine of the smallest angle to another bond of the same atom, 60 degrees.
constexpr double kClosestCosine = 0.5;
/// Nearest that a hydrogen may come to another atom, A.
constexpr double kClosest = 0.9;

double bond_length(const RDKit::Atom& heavy) {
  const RDKit::PeriodicTable* table = RDKit::PeriodicTable::getTable();
  return table->getRb0(1) + table->getRb0(heavy.getAtomicNum());
}

bool is_placed(const RDKit::Conformer& conformer, const RDKit::Atom& heavy, unsigned hydrogen) {
  const Point3D& place = conformer.getAtomPos(hydrogen);
  const bool at_origin = place.x == 0 && place.y == 0 && place.z == 0;
  const double length = (place - conformer.getAtomPos(heavy.getIdx())).length();
  return !at_origin && std::abs(length - bond_length(heavy)) <= kLengthTolerance;
}

/// Points of a golden spiral on the unit sphere.
Point3D direction(int i) {
  const double z = 1 - (2.0 * i + 1) / kDirections;
  const double angle = i * std::numbers::pi * (3 - std::sqrt(5.0));
  const double radius = std::sqrt(1 - z * z);
  return {radius * std::cos(angle), radius * std::sin(angle), z};
}

/// Puts `hydrogen` where the nearest placed atom is farthest. False when no direction is sound.
bool place(RDKit::Conformer& conformer, const RDKit::ROMol& mol, const RDKit::Atom& heavy,
           unsigned hydrogen, const std::vector<bool>& placed) {
  const Point3D centre = conformer.getAtomPos(heavy.getIdx());
  std::vector<Point3D> arms;
  for (const RDKit::Atom* neighbour : mol.atomNeighbors(&heavy)) {
    if (!placed[neighbour->getIdx()]) continue;
    Point3D arm = conformer.getAtomPos(neighbour->getIdx()) - centre;
    if (!(arm.length() > 1e-3)) return false;
    arm.normalize();
    arms.push_back(arm);
  }
  double best = kClosest;
  bool found = false;
  for (int i = 0; i < kDirections; ++i) {
    const Point3D arm = direction(i);
    const bool crowded = std::any_of(arms.begin(), arms.end(), [&](const Point3D& other) {
      return arm.dotProduct(other) > kClosestCosine;
    });
    if (crowded) continue;
    const Point3D candidate = centre + arm * bond_length(heavy);
    double nearest = std::numeric_limits<double>::infinity();
    for (unsigned atom = 0; atom < mol.getNumAtoms(); ++atom) {
      if (!placed[atom] || atom == heavy.getIdx()) continue;
      nearest = std::min(nearest, (conformer.getAtomPos(atom) - candidate).length());
    }
    if (!(nearest > best)) continue;
    best = nearest;
    found = true;
    conformer.setAtomPos(hydrogen, candidate);
  }
  return found;
}

}  // namespace

std::string place_hydrogens(RDKit::RWMol& mol) {
  const unsigned heavy = mol.getNumAtoms();
  RDKit::MolOps::addHs(mol, false, true);
  RDKit::Conformer& conformer = mol.getConformer();
  std::vector<bool> placed(mol.getNumAtoms(), true);
  for (unsigned i = heavy; i < mol.getNumAtoms(); ++i) {
    placed[i] = is_placed(conformer, **mol.atomNeighbors(mol.getAtomWithIdx(i)).begin(), i);
  }
  for (unsigned i = heavy; i < mol.getNumAtoms(); ++i) {
    if (placed[i]) continue;
    const RDKit::Atom& parent = **mol.atomNeighbors(mol.getAtomWithIdx(i)).begin();
    if (!place(conformer, mol, parent, i, placed)) {
      return fmt::format("no place for the hydrogens of atom {} ({})", parent.getIdx() + 1,
                         parent.getSymbol());
    }
    placed[i] = true;
  }
  return {};
}

}  // namespace molgen3d
