#include "molecule/writers.h"

#include <GraphMol/FileParsers/FileParsers.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "base/error.h"
#include "molecule/reader.h"
#include "molecule/test_molecules.h"

namespace molgen3d {
namespace {

Molecule read_back(const std::string& record) {
  RecordReader reader = RecordReader::from_text(record, "x.sdf");
  InputRecord input;
  EXPECT_TRUE(reader.next(input));
  const Molecule molecule = molecule_of(input);
  EXPECT_FALSE(reader.next(input));
  return molecule;
}

TEST(Sdf, ReadsBackWithStereoOrderAndCoordinates) {
  size_t as_asked = 0;
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule plain = Molecule::from_smiles(smiles, "title of " + smiles);
    const Coordinates coordinates = test::embed(plain);
    if (coordinates.empty()) continue;
    const Molecule molecule = plain.with_coordinates(coordinates);
    // The geometry also decides what the SMILES leaves open.
    RDKit::RWMol perceived(molecule.rdkit());
    RDKit::MolOps::assignStereochemistryFrom3D(perceived);
    const std::string expected = RDKit::MolToSmiles(perceived);
    as_asked += expected == plain.canonical_smiles();
    for (const bool hydrogens : {false, true}) {
      const Molecule back = read_back(sdf_record(molecule, {}, {.add_hydrogens = hydrogens}));
      EXPECT_EQ(back.canonical_smiles(), expected) << smiles;
      EXPECT_EQ(back.title(), plain.title());
      ASSERT_EQ(back.atom_count(), plain.atom_count()) << smiles;
      for (size_t i = 0; i < plain.atom_count(); ++i) {
        EXPECT_EQ(back.element(i), plain.element(i));
        EXPECT_NEAR(back.coordinates()[i].x, coordinates[i].x, 5.001e-5);
        EXPECT_NEAR(back.coordinates()[i].z, coordinates[i].z, 5.001e-5);
      }
    }
  }
  EXPECT_GE(as_asked, 60U);
}

TEST(Sdf, PropertiesInOrderAndNothingBreaksTheRecord) {
  const Molecule molecule =
      Molecule::from_smiles("CO", "$$$$ odd\ntitle").with_coordinates({{}, {1, 0, 0}});
  const std::string record = sdf_record(molecule, {{"B", "2"}, {"A>", "$$$$"}, {"C", "x\n\ny"}});
  EXPECT_NE(record.find(">  <B>\n2\n\n>  <A_>\n $$$$\n\n>  <C>\nx  y\n\n>  <HYDROGENS>\n"
                        "none (heavy atoms only)\n\n$$$$\n"),
            std::string::npos)
      << record;
  EXPECT_EQ(read_back(record).title(), "$$$$ odd title");
  EXPECT_NE(record.find("V2000"), std::string::npos);
  EXPECT_NE(sdf_record(molecule, {}, {.add_hydrogens = true}).find("placed by RDKit"),
            std::string::npos);
}

TEST(Sdf, LargeMoleculesAreV3000) {
  const std::string smiles(1000, 'C');
  const Molecule molecule =
      Molecule::from_smiles(smiles).with_coordinates(test::numbered(smiles.size()));
  const std::string record = sdf_record(molecule, {});
  EXPECT_NE(record.find("V3000"), std::string::npos);
  const Molecule back = read_back(record);
  EXPECT_EQ(back.atom_count(), smiles.size());
  EXPECT_EQ(back.bond_count(), smiles.size() - 1);
}

TEST(Sdf, NeverWritesWhatIsNoPosition) {
  const Molecule molecule = Molecule::from_smiles("C");
  EXPECT_THROW(sdf_record(molecule, {}), Error);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), 1e5}) {
    EXPECT_THROW(sdf_record(molecule.with_coordinates({{0, bad, 0}}), {}), Error);
    EXPECT_THROW(xyz_record(molecule.with_coordinates({{0, 0, bad}}), {}), Error);
  }
}

TEST(Xyz, CountCommentAndLines) {
  const Molecule molecule =
      Molecule::from_smiles("ClC", "name").with_coordinates({{1, -2, 0.5}, {}});
  EXPECT_EQ(xyz_record(molecule, {{"seed", "7"}}),
            "2\nname seed=7 HYDROGENS=none\n"
            "Cl     1.0000    -2.0000     0.5000\nC      0.0000     0.0000     0.0000\n");
  std::istringstream with(xyz_record(test::embedded("CC"), {}, {.add_hydrogens = true}));
  size_t atoms = 0;
  with >> atoms;
  EXPECT_EQ(atoms, 8U);
}

}  // namespace
}  // namespace molgen3d
