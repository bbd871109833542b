#include "quality/rmsd.h"

#include <GraphMol/GraphMol.h>
#include <GraphMol/MolAlign/AlignMolecules.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"
#include "molecule/test_molecules.h"
#include "quality/superposition.h"

namespace molgen3d {
namespace {

RmsdKernel kernel_of(const Molecule& molecule, TerminalGroups groups = TerminalGroups::kMerged) {
  return RmsdKernel(symmetry_maps(molecule, {groups}));
}

// The divisor is the number of atoms, not of coordinates: 3N would give 0.577.
TEST(Rmsd, DividesByAtoms) {
  const RmsdKernel kernel = kernel_of(Molecule::from_smiles("CC"));
  EXPECT_EQ(kernel({{-1, 0, 0}, {1, 0, 0}}, {{-2, 0, 0}, {2, 0, 0}}), 1.0);
  EXPECT_DOUBLE_EQ(kernel({{5, 0, 7}, {5, 2, 7}}, {{0, 0, 2}, {0, 0, -2}}), 1.0);
}

TEST(Rmsd, OneAtomIsAlwaysInPlace) {
  EXPECT_EQ(kernel_of(Molecule::from_smiles("C"))({{1, 2, 3}}, {{-4, 0, 0}}), 0.0);
}

TEST(Rmsd, AMirrorImageIsAnotherShape) {
  const Molecule molecule = Molecule::from_smiles("C[C@H](O)N");
  const RmsdKernel kernel = kernel_of(molecule);
  const Coordinates a = {{1.5, 0, 0}, {0, 0, 0}, {-0.5, 1.3, 0}, {-0.5, -0.7, 1.2}};
  Coordinates mirrored = a;
  for (Point3& p : mirrored) p.z = -p.z;
  EXPECT_LT(kernel(a, a), 1e-7);
  EXPECT_GT(kernel(a, mirrored), 0.2);
  // A flat molecule is its own mirror image: a turn about an axis in its plane.
  Coordinates flat = a;
  for (Point3& p : flat) p.z = 0;
  Coordinates turned = flat;
  for (Point3& p : turned) p.y = -p.y;
  EXPECT_LT(kernel(flat, turned), 1e-6);
}

TEST(Rmsd, NumbersThatAreNotFiniteStayApart) {
  const RmsdKernel kernel = kernel_of(Molecule::from_smiles("CO"));
  const Coordinates good = {{0, 0, 0}, {1.4, 0, 0}};
  const Coordinates bad = {{0, 0, 0}, {std::nan(""), 0, 0}};
  const RmsdMatrix matrix = kernel.matrix({&good, &bad}, {&bad, &good});
  EXPECT_EQ(matrix.at(0, 0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(matrix.at(1, 1), std::numeric_limits<double>::infinity());
  EXPECT_LT(matrix.at(0, 1), 1e-7);
}

TEST(Rmsd, RefusesAnotherNumberOfAtoms) {
  const RmsdKernel kernel = kernel_of(Molecule::from_smiles("CO"));
  EXPECT_THROW(kernel({{0, 0, 0}}, {{0, 0, 0}, {1, 0, 0}}), Error);
}

TEST(Superposition, MatchesADirectSearch) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  for (int trial = 0; trial < 200; ++trial) {
    Covariance a;
    for (double& v : a) v = normal(random);
    if (trial % 4 == 1) a[6] = a[7] = a[8] = 0;  // a flat molecule
    if (trial % 4 == 2) a = {2, 0, 0, 0, trial / 100.0, 0, 0, 0, -trial / 100.0};  // double root
    // Any rotation gives at most the result, and the best of many comes close to it.
    const double best = largest_trace(a);
    double found = -1e9;
    for (int turn = 0; turn < 4000; ++turn) {
      double q[4];
      double norm = 0;
      for (double& v : q) {
        v = normal(random);
        norm += v * v;
      }
      for (double& v : q) v /= std::sqrt(norm);
      const auto [w, x, y, z] = q;
      const double r[9] = {
          1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
          2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
          2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
      double trace = 0;
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) trace += r[3 * i + j] * a[static_cast<size_t>(3 * j + i)];
      found = std::max(found, trace);
    }
    double norm = 0;
    for (const double v : a) norm += v * v;
    EXPECT_LE(found, best + 1e-9);
    EXPECT_GT(found, best - 0.1 * std::sqrt(norm));
    EXPECT_EQ(largest_trace(a, best + 0.5), best + 0.5);
    EXPECT_NEAR(largest_trace(a, best - 1e-3), best, 1e-9);
  }
}

TEST(SymmetryMaps, CountsOfKnownMolecules) {
  const auto count = [](const char* smiles, TerminalGroups groups) {
    return symmetry_maps(Molecule::from_smiles(smiles), {groups}).maps.size();
  };
  EXPECT_EQ(count("c1ccccc1", TerminalGroups::kDistinct), 12U);
  EXPECT_EQ(count("CC(C)(C)C", TerminalGroups::kDistinct), 24U);
  EXPECT_EQ(count("CCO", TerminalGroups::kDistinct), 1U);
  EXPECT_EQ(count("CC(=O)[O-]", TerminalGroups::kDistinct), 1U);
  EXPECT_EQ(count("CC(=O)[O-]", TerminalGroups::kMerged), 2U);
  EXPECT_EQ(count("C[N+](=O)[O-]", TerminalGroups::kMerged), 2U);
  EXPECT_EQ(count("CS(=O)(=O)[O-]", TerminalGroups::kDistinct), 2U);
  EXPECT_EQ(count("CS(=O)(=O)[O-]", TerminalGroups::kMerged), 6U);
}

TEST(SymmetryMaps, TheCapIsReported) {
  const Molecule molecule = Molecule::from_smiles("CC(C)(C)CC(C)(C)C");
  EXPECT_FALSE(symmetry_maps(molecule).capped);
  const SymmetryMaps capped = symmetry_maps(molecule, {TerminalGroups::kMerged, 10});
  EXPECT_TRUE(capped.capped);
  EXPECT_EQ(capped.maps.size(), 10U);
}

// 2 phenyls and 2 tert-butyls: 2 * 2 * 6 * 6 maps, but not 144 sums.
TEST(RmsdKernel, SplitsIndependentGroups) {
  const RmsdKernel kernel =
      kernel_of(Molecule::from_smiles("CC(C)(C)OCC(c1ccccc1)NC(c1ccccc1)C(C)(C)C"));
  EXPECT_EQ(kernel.map_count(), 144U);
  EXPECT_EQ(kernel.factor_count(), 4U);
  // Two phenyls on one atom change places: not a product.
  const RmsdKernel linked = kernel_of(Molecule::from_smiles("OC(c1ccccc1)c1ccccc1"));
  EXPECT_EQ(linked.map_count(), 8U);
  EXPECT_EQ(linked.factor_count(), 1U);
}

// RDKit itself on the molecules of the corpus: the oracle of the whole way.
TEST(RmsdKernel, EqualsGetBestRMS) {
  size_t compared = 0;
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule molecule = Molecule::from_smiles(smiles);
    const Coordinates a = test::embed(molecule, 1);
    const Coordinates b = test::embed(molecule, 2);
    if (a.empty() || b.empty()) continue;
    for (const auto groups : {TerminalGroups::kMerged, TerminalGroups::kDistinct}) {
      RDKit::RWMol probe(molecule.with_coordinates(b).rdkit());
      const RDKit::RWMol reference(molecule.with_coordinates(a).rdkit());
      const double expected = RDKit::MolAlign::getBestRMS(probe, reference, -1, -1, {}, 1'000'000,
                                                          groups == TerminalGroups::kMerged);
      EXPECT_NEAR(kernel_of(molecule, groups)(a, b), expected, 1e-4) << smiles;
      ++compared;
    }
  }
  EXPECT_GT(compared, 120U);
}

// A matrix with tiles cut at odd places holds the same numbers as pair by pair.
TEST(RmsdKernel, TilesDoNotMatter) {
  const Molecule molecule = Molecule::from_smiles("CC(C)(C)c1ccc(cc1)C(=O)[O-]");
  const RmsdKernel kernel = kernel_of(molecule);
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<Coordinates> conformers(101);
  std::vector<const Coordinates*> all;
  for (Coordinates& c : conformers) {
    for (size_t i = 0; i < molecule.atom_count(); ++i)
      c.push_back({normal(random), normal(random), normal(random)});
    all.push_back(&c);
  }
  const RmsdMatrix matrix = kernel.matrix(all, {all.begin(), all.begin() + 67});
  for (size_t r = 0; r < matrix.rows; r += 7) {
    for (size_t c = 0; c < matrix.columns; c += 5)
      EXPECT_NEAR(matrix.at(r, c), kernel(*all[r], *all[c]), 1e-6);
  }
}

}  // namespace
}  // namespace molgen3d
