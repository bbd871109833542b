#include "molecule/writers.h"

#include <GraphMol/FileParsers/FileParsers.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <set>
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
            "2\nname seed=7 CHARGE=0 HYDROGENS=none\n"
            "Cl     1.0000    -2.0000     0.5000\nC      0.0000     0.0000     0.0000\n");
  std::istringstream with(xyz_record(test::embedded("CC"), {}, {.add_hydrogens = true}));
  size_t atoms = 0;
  with >> atoms;
  EXPECT_EQ(atoms, 8U);
}

/// Atoms of an SDF record written with hydrogens.
std::unique_ptr<RDKit::RWMol> written(const Molecule& molecule, bool hydrogens = true) {
  return std::unique_ptr<RDKit::RWMol>(
      RDKit::MolBlockToMol(sdf_record(molecule, {}, {.add_hydrogens = hydrogens}), true, false));
}

TEST(Hydrogens, OfFiveCoordinateSulfurAndPhosphorusHaveAPlace) {
  for (const char* smiles : {"C[SH](C)(C)C", "C[PH](C)(C)C", "C[PH2](C)C", "O=[SH](=O)C",
                             "C[PH](C)(F)F", "CC[SH]1(C)CCCC1"}) {
    const Molecule plain = Molecule::from_smiles(smiles);
    Coordinates coordinates = test::embed(plain);
    ASSERT_FALSE(coordinates.empty()) << smiles;
    for (Point3& p : coordinates) p.x += 20;  // away from the origin
    const auto mol = written(plain.with_coordinates(coordinates));
    ASSERT_GT(mol->getNumAtoms(), plain.atom_count()) << smiles;
    const RDKit::Conformer& conformer = mol->getConformer();
    for (unsigned h = static_cast<unsigned>(plain.atom_count()); h < mol->getNumAtoms(); ++h) {
      const RDKit::Atom* parent = *mol->atomNeighbors(mol->getAtomWithIdx(h)).begin();
      for (unsigned i = 0; i < mol->getNumAtoms(); ++i) {
        if (i == h) continue;
        const double distance = (conformer.getAtomPos(i) - conformer.getAtomPos(h)).length();
        EXPECT_GT(distance, i == parent->getIdx() ? 0.9 : 1.0) << smiles << " " << h << " " << i;
        EXPECT_LT(distance, i == parent->getIdx() ? 1.6 : 99.0) << smiles;
      }
    }
  }
}

TEST(Hydrogens, WithoutAPlaceAreAnError) {
  const Molecule molecule = Molecule::from_smiles("C[PH](C)(C)C");
  EXPECT_THROW(
      sdf_record(molecule.with_coordinates(Coordinates(5, {9, 9, 9})), {}, {.add_hydrogens = true}),
      Error);
}

TEST(Labels, ComeBackInTheBlock) {
  const Molecule plain = Molecule::from_smiles("[13CH3:5]C([2H])([3H])[OH:7]");
  const Molecule molecule = plain.with_coordinates(test::embed(plain));
  const auto bare = written(molecule, false);
  ASSERT_EQ(bare->getNumAtoms(), 3U);
  EXPECT_EQ(bare->getAtomWithIdx(0)->getIsotope(), 13U);
  EXPECT_EQ(bare->getAtomWithIdx(0)->getAtomMapNum(), 5);
  EXPECT_EQ(bare->getAtomWithIdx(2)->getAtomMapNum(), 7);
  const auto full = written(molecule);
  std::multiset<unsigned> isotopes;
  for (const RDKit::Atom* h : full->atomNeighbors(full->getAtomWithIdx(1))) {
    if (h->getAtomicNum() != 1) continue;
    isotopes.insert(h->getIsotope());
    const auto& conformer = full->getConformer();
    EXPECT_NEAR((conformer.getAtomPos(h->getIdx()) - conformer.getAtomPos(1)).length(), 1.1, 0.05);
  }
  EXPECT_EQ(isotopes, (std::multiset<unsigned>{2, 3}));
  // A block with labels reads as the molecule without them.
  const Molecule back = read_back(sdf_record(molecule, {}, {.add_hydrogens = true}));
  EXPECT_EQ(back.canonical_smiles(), "CCO");
  EXPECT_EQ(back.label(0), (AtomLabel{13, 5}));
  EXPECT_EQ(back.hydrogen_labels(1).size(), 2U);
}

}  // namespace
}  // namespace molgen3d
