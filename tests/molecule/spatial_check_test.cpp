#include "molecule/spatial_check.h"

#include <GraphMol/Depictor/RDDepictor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "molecule/test_molecules.h"

namespace molgen3d {
namespace {

/// Drawn by RDKit; `tagged`: as a file whose header says 2D.
Molecule drawn(const std::string& smiles, bool tagged) {
  auto mol = std::make_shared<RDKit::RWMol>(Molecule::from_smiles(smiles).rdkit());
  RDDepict::compute2DCoords(*mol);
  mol->getConformer().set3D(!tagged);
  return Molecule::from_rdkit(std::move(mol));
}

TEST(SpatialCheck, AtomsInOnePlaceAreNamed) {
  const Molecule molecule = Molecule::from_smiles("CC(=O)N");
  EXPECT_EQ(why_not_spatial(molecule.with_coordinates(Coordinates(4))),
            "no 3D coordinates: atoms 1 and 2 are in one place");
  EXPECT_EQ(why_not_spatial(
                molecule.with_coordinates({{0, 0, 0}, {1.5, 0, 0}, {2, 1, 0.3}, {0, 0.1, 0}})),
            "no 3D coordinates: atoms 1 and 4 are in one place");
  EXPECT_EQ(why_not_spatial(Molecule::from_smiles("C").with_coordinates(Coordinates(1))), "");
}

TEST(SpatialCheck, DrawingsAreFound) {
  for (const char* smiles : {"CC(=O)Nc1ccc(O)cc1", "CC(N)C(=O)O", "c1ccccc1", "CCO", "C1CCCCC1"}) {
    EXPECT_NE(why_not_spatial(drawn(smiles, true)), "") << smiles;
  }
  // Without the tag what no molecule can be is refused all the same.
  for (const char* smiles : {"CC(N)C(=O)O", "CC(C)(C)O"}) {
    EXPECT_NE(why_not_spatial(drawn(smiles, false)), "") << smiles;
  }
}

TEST(SpatialCheck, StructuresPassPlanarOnesToo) {
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule plain = Molecule::from_smiles(smiles);
    const Coordinates coordinates = test::embed(plain);
    // Distance geometry lays the parts of a salt over each other.
    if (coordinates.empty() || plain.fragment_count() > 1) continue;
    EXPECT_EQ(why_not_spatial(plain.with_coordinates(coordinates)), "") << smiles;
  }
  // Benzene and nitrobenzene-like planes at sound distances, under a 2D header too.
  Coordinates ring;
  for (int i = 0; i < 6; ++i) {
    const double angle = i * 3.14159265358979 / 3;
    ring.push_back({1.39 * std::cos(angle), 1.39 * std::sin(angle), 0});
  }
  const Molecule benzene = Molecule::from_smiles("c1ccccc1").with_coordinates(ring);
  EXPECT_EQ(why_not_spatial(benzene), "");
  auto tagged = std::make_shared<RDKit::RWMol>(benzene.rdkit());
  tagged->getConformer().set3D(false);
  EXPECT_EQ(why_not_spatial(Molecule::from_rdkit(std::move(tagged))), "");
}

}  // namespace
}  // namespace molgen3d
