#include "quality/geometry_check.h"

#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "molecule/distance_bounds.h"
#include "molecule/flat_groups.h"
#include "quality/rdkit_call.h"

namespace molgen3d {

namespace {

// Largest distance of a point from the plane that fits all of them best.
double off_plane(const Coordinates& points, const std::vector<uint32_t>& atoms) {
  Eigen::Matrix<double, 3, Eigen::Dynamic> columns(3, static_cast<Eigen::Index>(atoms.size()));
  for (size_t i = 0; i < atoms.size(); ++i) {
    const Point3& p = points[atoms[i]];
    columns.col(static_cast<Eigen::Index>(i)) << p.x, p.y, p.z;
  }
  columns.colwise() -= columns.rowwise().mean().eval();
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(columns * columns.transpose());
  return (solver.eigenvectors().col(0).transpose() * columns).cwiseAbs().maxCoeff();
}

}  // namespace

const char* geometry_test_name(GeometryTest test) {
  constexpr const char* kNames[] = {"bond lengths", "bond angles",
                                    "clash",        "flat aromatic rings",
                                    "flat C=C",     "saturated rings not flat"};
  return kNames[static_cast<size_t>(test)];
}

bool GeometryMeasure::passes(GeometryTest test, const GeometryLimits& limits) const {
  if (!finite) return false;
  switch (test) {
    case GeometryTest::kBonds:
      return bond <= limits.bond;
    case GeometryTest::kAngles:
      return angle <= limits.angle;
    case GeometryTest::kClash:
      return (limits.clash_1_5 ? clash : clash_far) <= limits.clash;
    case GeometryTest::kFlatRings:
      return ring <= limits.flat;
    case GeometryTest::kFlatDoubleBonds:
      return ethene <= limits.flat;
    case GeometryTest::kPuckeredRings:
      return pucker >= limits.pucker;
    case GeometryTest::kCount:
      break;
  }
  return false;
}

bool GeometryMeasure::passes(const GeometryLimits& limits) const {
  for (size_t t = 0; t < kGeometryTests; ++t) {
    if (!passes(static_cast<GeometryTest>(t), limits)) return false;
  }
  return true;
}

GeometryChecker::GeometryChecker(const Molecule& molecule) : atoms_(molecule.atom_count()) {
  RDKit::RWMol mol(molecule.rdkit());
  mol.clearConformers();
  rdkit_call("distance geometry", [&] {
    if (!mol.getRingInfo()->isInitialized()) RDKit::MolOps::findSSSR(mol);
    const unsigned n = mol.getNumAtoms();
    const double* apart = RDKit::MolOps::getDistanceMat(mol);
    const DistGeom::BoundsMatPtr bounds = distance_bounds(mol);
    for (unsigned j = 0; j < n; ++j) {
      if (mol.getAtomWithIdx(j)->getAtomicNum() <= 1) continue;
      for (unsigned i = 0; i < j; ++i) {
        if (mol.getAtomWithIdx(i)->getAtomicNum() <= 1) continue;
        const double distance = apart[i * n + j];
        const double low = bounds->getLowerBound(i, j);
        const double high = bounds->getUpperBound(i, j);
        const auto add = [&](Relation relation) { pairs_.push_back({i, j, low, high, relation}); };
        if (distance < 1.5) add(Relation::kBond);
        // In a ring of three a pair is both a bond and a 1,3 distance, and the bond is the
        // narrower.
        if (distance > 1.5 && distance < 2.5) add(Relation::kAngle);
        if (distance > 2.5)
          add(distance > 3.5 && distance < 4.5 ? Relation::kFourApart : Relation::kOther);
      }
    }
    FlatGroups groups = flat_groups(mol);
    rings_ = std::move(groups.rings);
    ethenes_ = std::move(groups.ethenes);
    saturated_ = std::move(groups.saturated);
  });
}

GeometryMeasure GeometryChecker::measure(const Coordinates& coordinates) const {
  if (coordinates.size() != atoms_)
    throw Error::format("geometry: {} coordinates for {} atoms", coordinates.size(), atoms_);
  GeometryMeasure out;
  for (const Point3& p : coordinates)
    out.finite &= std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z);
  if (!out.finite) return out;
  for (const Pair& pair : pairs_) {
    const Point3& p = coordinates[pair.first];
    const Point3& q = coordinates[pair.second];
    const double d = std::hypot(p.x - q.x, p.y - q.y, p.z - q.z);
    const double shortfall = d < pair.low ? (pair.low - d) / pair.low : 0;
    const double excess = d > pair.high ? (d - pair.high) / pair.high : 0;
    switch (pair.relation) {
      case Relation::kBond:
        out.bond = std::max({out.bond, shortfall, excess});
        break;
      case Relation::kAngle:
        out.angle = std::max({out.angle, shortfall, excess});
        break;
      case Relation::kFourApart:
        out.clash = std::max(out.clash, shortfall);
        break;
      case Relation::kOther:
        out.clash = std::max(out.clash, shortfall);
        out.clash_far = std::max(out.clash_far, shortfall);
        break;
    }
  }
  for (const auto& ring : rings_) out.ring = std::max(out.ring, off_plane(coordinates, ring));
  for (const auto& ethene : ethenes_)
    out.ethene = std::max(out.ethene, off_plane(coordinates, ethene));
  for (const auto& ring : saturated_)
    out.pucker = std::min(out.pucker, off_plane(coordinates, ring));
  return out;
}

}  // namespace molgen3d
