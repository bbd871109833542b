#include "quality/geometry_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include "base/error.h"
#include "data_files.h"
#include "molecule/test_molecules.h"
#include "quality/etkdg.h"
#include "quality/evaluation.h"
#include "quality/generated_files.h"

namespace molgen3d {
namespace {

using Kind = GeometryTest;

GeometryMeasure measure(const Molecule& molecule) {
  return GeometryChecker(molecule).measure(molecule.coordinates());
}

std::set<std::string> failing(const GeometryMeasure& m,
                              const GeometryLimits& limits = kPoseBustersLimits) {
  std::set<std::string> out;
  for (size_t t = 0; t < kGeometryTests; ++t) {
    if (!m.passes(static_cast<Kind>(t), limits))
      out.insert(geometry_test_name(static_cast<Kind>(t)));
  }
  return out;
}

TEST(GeometryCheck, EmbeddedMoleculesPass) {
  size_t tested = 0;
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule molecule = Molecule::from_smiles(smiles);
    const auto conformers = etkdg_conformers(molecule, 1, {});
    if (conformers.empty() || molecule.fragment_count() > 1) continue;  // salts are put anywhere
    const GeometryMeasure m = GeometryChecker(molecule).measure(conformers[0]);
    EXPECT_TRUE(failing(m).empty()) << smiles << ": " << *failing(m).begin();
    ++tested;
  }
  EXPECT_GT(tested, 60U);
}

// One number out of place, one test that fails: a digit lost from a coordinate looks like this.
TEST(GeometryCheck, EachDefectIsSeenByItsTest) {
  const auto ethane = [](double length) {
    return GeometryChecker(Molecule::from_smiles("CC")).measure({{0, 0, 0}, {length, 0, 0}});
  };
  EXPECT_TRUE(failing(ethane(1.53)).empty());
  EXPECT_EQ(failing(ethane(2.3)), std::set<std::string>{"bond lengths"});
  EXPECT_EQ(failing(ethane(0.9)), std::set<std::string>{"bond lengths"});
  EXPECT_NEAR(ethane(2.3).bond, 2.3 / 1.53 - 1, 0.02);

  const auto propane = [](double angle) {
    const double a = angle * 3.14159265358979 / 180;
    return GeometryChecker(Molecule::from_smiles("CCC"))
        .measure({{1.53, 0, 0}, {0, 0, 0}, {1.53 * std::cos(a), 1.53 * std::sin(a), 0}});
  };
  EXPECT_TRUE(failing(propane(111)).empty());
  EXPECT_EQ(failing(propane(60)), std::set<std::string>{"bond angles"});

  Molecule benzene = test::embedded("c1ccccc1");
  Coordinates points = benzene.coordinates();
  EXPECT_TRUE(failing(measure(benzene)).empty());
  const Point3 normal = [&] {  // two bonds span the plane
    const auto& [a, b, c] = std::tie(points[0], points[1], points[2]);
    const Point3 u{b.x - a.x, b.y - a.y, b.z - a.z};
    const Point3 v{c.x - a.x, c.y - a.y, c.z - a.z};
    const Point3 n{u.y * v.z - u.z * v.y, u.z * v.x - u.x * v.z, u.x * v.y - u.y * v.x};
    const double length = std::hypot(n.x, n.y, n.z);
    return Point3{n.x / length, n.y / length, n.z / length};
  }();
  points[3] = {points[3].x + 0.7 * normal.x, points[3].y + 0.7 * normal.y,
               points[3].z + 0.7 * normal.z};
  EXPECT_EQ(failing(measure(benzene.with_coordinates(points))),
            std::set<std::string>{"flat aromatic rings"});

  // Ethene with both substituents turned out of the plane by a quarter.
  const Molecule butene = Molecule::from_smiles("CC=CC");
  EXPECT_EQ(failing(GeometryChecker(butene).measure(
                {{-0.75, 1.3, 0}, {0, 0, 0}, {1.34, 0, 0}, {2.09, 0, 1.3}})),
            std::set<std::string>{"flat C=C"});

  // Flat cyclohexane with the right bonds.
  Coordinates hexagon;
  for (int i = 0; i < 6; ++i)
    hexagon.push_back({1.53 * std::cos(i * 1.0471975512), 1.53 * std::sin(i * 1.0471975512), 0});
  EXPECT_EQ(failing(GeometryChecker(Molecule::from_smiles("C1CCCCC1")).measure(hexagon)),
            std::set<std::string>{"saturated rings not flat"});

  // The ends of hexane on each other.
  Coordinates folded = test::embedded("CCCCCC").coordinates();
  folded[5] = {folded[0].x + 0.4, folded[0].y, folded[0].z};
  const GeometryMeasure clash = GeometryChecker(Molecule::from_smiles("CCCCCC")).measure(folded);
  EXPECT_FALSE(clash.passes(Kind::kClash, kPoseBustersLimits));
}

// RDKit's 1,5 bounds assume trans amides: PoseBusters fails correct cis ones, the strict limits
// leave those pairs out.
TEST(GeometryCheck, CisAmidesFailOnlyWithTheFourBondPairs) {
  GeometryMeasure m;
  m.clash = 0.34;
  EXPECT_EQ(failing(m), std::set<std::string>{"clash"});
  EXPECT_TRUE(failing(m, kStrictLimits).empty());
}

TEST(GeometryCheck, NothingPassesWithoutNumbers) {
  const GeometryMeasure m =
      GeometryChecker(Molecule::from_smiles("CC"))
          .measure({{0, 0, 0}, {std::numeric_limits<double>::infinity(), 0, 0}});
  EXPECT_EQ(failing(m).size(), kGeometryTests);
  EXPECT_THROW(GeometryChecker(Molecule::from_smiles("CC")).measure({{0, 0, 0}}), Error);
}

TEST(GeometryCheck, CarboxylateBondsMayBeDrawnEitherWay) {
  const Molecule acid = test::embedded("CC(=O)[O-]");
  Coordinates swapped = acid.coordinates();
  std::swap(swapped[2], swapped[3]);
  EXPECT_TRUE(failing(measure(acid), kStrictLimits).empty());
  EXPECT_TRUE(failing(measure(acid.with_coordinates(swapped)), kStrictLimits).empty());
}

// PoseBusters' own test ligands: which tests fail, file by file (docs/quality.md explains each).
TEST(PoseBustersLigands, VerdictsAreTheExpectedOnes) {
  const std::string archive = "posebusters_test_ligands.tar.xz";
  MOLGEN3D_NEEDS_DATA(archive);
  const std::map<std::string, std::set<std::string>> expected = {
      {"1MMV_3AR_tankbind", {"clash"}},
      {"1Q1G_MTI_tankbind", {"clash"}},
      {"6YR2_T1C_tankbind", {"bond lengths", "clash", "flat aromatic rings", "flat C=C"}},
      {"mol_1afs_87_out", {"flat aromatic rings"}},
      {"mol_PIP_wrong", {"saturated rings not flat"}},
      {"mol_disconnected_atoms", {"clash"}},
      {"sanity_error/pred", {"record cannot be read"}},
      {"sanity_error_2/pred", {"record cannot be read"}},
  };
  const test::TemporaryFolder folder;
  test::command_output("tar xf '" + test::test_data(archive) + "' -C '" + folder.path("") + "'");
  ThreadPool pool;
  size_t files = 0;
  size_t records = 0;
  std::set<std::string> seen;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path(""))) {
    if (entry.path().extension() != ".sdf") continue;
    ++files;
    Evaluator evaluator({}, {}, pool);
    const RowScores row = evaluator.score(read_generated(entry.path()));
    std::set<std::string> found;
    for (const SampleScore& s : row.samples) {
      ++records;
      if (!s.valid()) {
        found.insert(s.failure);
      } else if (s.geometry) {
        found.merge(failing(*s.geometry));
      }
    }
    std::set<std::string> wanted;
    for (const auto& [name, tests] : expected) {
      if (entry.path().string().ends_with(name + ".sdf")) {
        wanted = tests;
        seen.insert(name);
      }
    }
    EXPECT_EQ(found, wanted) << entry.path();
  }
  EXPECT_EQ(files, 65U);
  EXPECT_EQ(records, 129U);
  EXPECT_EQ(seen.size(), expected.size());
}

}  // namespace
}  // namespace molgen3d
