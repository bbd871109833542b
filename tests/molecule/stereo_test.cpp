#include "molecule/stereo.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "molecule/test_molecules.h"

namespace molgen3d {
namespace {

Molecule mirrored(const Molecule& molecule) {
  Coordinates coordinates = molecule.coordinates();
  for (Point3& p : coordinates) p.x = -p.x;
  return molecule.with_coordinates(coordinates);
}

/// The coordinates of one isomer on the graph of another that is spelled with the same atom order.
Molecule swapped(const std::string& graph, const std::string& shape) {
  return Molecule::from_smiles(graph).with_coordinates(test::embedded(shape).coordinates());
}

TEST(Stereo, EmbeddedMoleculesMatchAndTheirMirrorsDoNot) {
  size_t centres = 0;
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule plain = Molecule::from_smiles(smiles);
    const Coordinates coordinates = test::embed(plain);
    if (coordinates.empty()) continue;
    const Molecule molecule = plain.with_coordinates(coordinates);
    const StereoVerdict verdict = judge_stereo(molecule);
    EXPECT_TRUE(verdict.all_matched()) << smiles;
    EXPECT_FALSE(verdict.mirror_image);
    centres += verdict.centres.total();
    const StereoVerdict mirror = judge_stereo(mirrored(molecule));
    const bool chiral = verdict.centres.total() > 0 && smiles != "C[C@H]1CC[C@@H](C)CC1";
    EXPECT_EQ(mirror.mirror_image, chiral) << smiles;
    EXPECT_EQ(mirror.centres.mismatched, chiral ? verdict.centres.total() : 0) << smiles;
    EXPECT_EQ(mirror.double_bonds.matched, verdict.double_bonds.total()) << smiles;
  }
  EXPECT_GE(centres, 20U);
}

TEST(Stereo, OneWrongCentreIsNoMirror) {
  const StereoVerdict verdict =
      judge_stereo(swapped("C[C@H](O)[C@H](F)Cl", "C[C@@H](O)[C@H](F)Cl"));
  EXPECT_EQ(verdict.centres.matched, 1U);
  EXPECT_EQ(verdict.centres.mismatched, 1U);
  EXPECT_FALSE(verdict.mirror_image);
}

TEST(Stereo, WrongSideOfADoubleBond) {
  const StereoVerdict verdict = judge_stereo(swapped("C/C=C\\C", "C/C=C/C"));
  EXPECT_EQ(verdict.double_bonds.mismatched, 1U);
  EXPECT_FALSE(verdict.all_matched());
  EXPECT_EQ(judge_stereo(swapped("CC=CC", "C/C=C/C")).double_bonds.total(), 0U);
}

TEST(Stereo, MesoInTheMirrorIsItself) {
  const Molecule meso = test::embedded("O[C@@H](C(=O)O)[C@H](O)C(=O)O");
  EXPECT_TRUE(judge_stereo(meso).all_matched());
  EXPECT_TRUE(judge_stereo(mirrored(meso)).all_matched());
}

TEST(Stereo, FlatOrMissingGeometryDecidesNothing) {
  Molecule molecule = test::embedded("C[C@H](O)N");
  Coordinates flat = molecule.coordinates();
  for (Point3& p : flat) p.z = 0;
  const Molecule planar =
      Molecule::from_smiles("C[C@H](O)N")
          .with_coordinates({{1, 0, 0}, {0, 0, 0}, {-0.5, 0.9, 0}, {-0.5, -0.9, 0}});
  EXPECT_EQ(judge_stereo(planar).centres.undetermined, 1U);
  EXPECT_EQ(judge_stereo(molecule.with_coordinates(Coordinates(4))).centres.undetermined, 1U);
  flat[0].x = NAN;
  EXPECT_EQ(judge_stereo(molecule.with_coordinates(flat)).centres.undetermined, 1U);
  EXPECT_EQ(judge_stereo(Molecule::from_smiles("C/C=C/C").with_coordinates(Coordinates(4)))
                .double_bonds.undetermined,
            1U);
  EXPECT_THROW(judge_stereo(Molecule::from_smiles("C[C@H](O)N")), Error);
}

TEST(Stereo, AgreesWithRdkitsReadingOfTheGeometry) {
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule plain = Molecule::from_smiles(smiles);
    const Coordinates coordinates = test::embed(plain, 11);
    if (coordinates.empty()) continue;
    for (const bool mirror : {false, true}) {
      Molecule molecule = plain.with_coordinates(coordinates);
      if (mirror) molecule = mirrored(molecule);
      RDKit::RWMol perceived(molecule.rdkit());
      RDKit::MolOps::assignChiralTypesFrom3D(perceived);
      size_t different = 0;
      size_t specified = 0;
      for (const RDKit::Atom* atom : molecule.rdkit().atoms()) {
        if (atom->getChiralTag() == RDKit::Atom::CHI_UNSPECIFIED) continue;
        ++specified;
        different +=
            perceived.getAtomWithIdx(atom->getIdx())->getChiralTag() != atom->getChiralTag();
      }
      EXPECT_EQ(different, mirror ? specified : 0) << smiles;
    }
  }
}

}  // namespace
}  // namespace molgen3d
