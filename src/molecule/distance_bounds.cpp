#include "molecule/distance_bounds.h"

#include <DistGeom/TriangleSmooth.h>
#include <GraphMol/DistGeomHelpers/BoundsMatrixBuilder.h>
#include <GraphMol/GraphMol.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "molecule/terminal_groups.h"

namespace molgen3d {

namespace {

DistGeom::BoundsMatPtr smoothed_bounds(const RDKit::ROMol& mol) {
  // Strained cages may contradict the 1,5 bounds: RDKit's own advice is to do without them then.
  for (const bool with_1_5 : {true, false}) {
    DistGeom::BoundsMatPtr bounds(new DistGeom::BoundsMatrix(mol.getNumAtoms()));
    RDKit::DGeomHelpers::initBoundsMat(bounds);
    RDKit::DGeomHelpers::setTopolBounds(mol, bounds, with_1_5, true);
    if (DistGeom::triangleSmoothBounds(bounds)) return bounds;
  }
  throw Error("distance geometry: the bounds of the molecule contradict each other");
}

void join_terminal_bounds(const RDKit::ROMol& mol, DistGeom::BoundsMatrix& bounds) {
  std::map<std::pair<unsigned, int>, std::vector<unsigned>> groups;  // centre, element: terminals
  for (const auto& [terminal, centre] : conjugated_terminal_atoms(mol))
    groups[{centre, mol.getAtomWithIdx(terminal)->getAtomicNum()}].push_back(terminal);
  for (const auto& [key, terminals] : groups) {
    const unsigned centre = key.first;
    double low = bounds.getLowerBound(terminals[0], centre);
    double high = bounds.getUpperBound(terminals[0], centre);
    for (const unsigned terminal : terminals) {
      low = std::min(low, bounds.getLowerBound(terminal, centre));
      high = std::max(high, bounds.getUpperBound(terminal, centre));
    }
    for (const unsigned terminal : terminals) {
      bounds.setLowerBound(terminal, centre, low);
      bounds.setUpperBound(terminal, centre, high);
    }
  }
}

}  // namespace

DistGeom::BoundsMatPtr distance_bounds(const RDKit::ROMol& mol) {
  DistGeom::BoundsMatPtr bounds = smoothed_bounds(mol);
  join_terminal_bounds(mol, *bounds);
  return bounds;
}

}  // namespace molgen3d
