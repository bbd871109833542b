#include "molecule/graph_key.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "molecule/make_template.h"
#include "test_molecules.h"

namespace molgen3d {
namespace {

std::string key_of(const std::string& smiles) {
  return graph_key(Molecule::from_smiles(smiles));
}
std::string scaffold_of(const std::string& smiles) {
  return scaffold_key(Molecule::from_smiles(smiles));
}

TEST(GraphKey, StereoAndIsotopesDoNotCount) {
  EXPECT_EQ(key_of("C[C@H](O)Cl"), key_of("C[C@@H](O)Cl"));
  EXPECT_EQ(key_of("C[C@H](O)Cl"), key_of("CC(O)Cl"));
  EXPECT_EQ(key_of("C/C=C/C"), key_of("C/C=C\\C"));
  EXPECT_EQ(key_of("[13CH3]CO"), key_of("OCC"));
  EXPECT_NE(key_of("CCO"), key_of("CC[O-]"));
  EXPECT_NE(key_of("CCO"), key_of("CCN"));
}

TEST(GraphKey, IsItsOwnKey) {
  for (const std::string& smiles : test::test_molecules()) {
    const std::string key = key_of(smiles);
    EXPECT_EQ(key_of(key), key) << smiles;
    EXPECT_EQ(key.find_first_of("@/\\"), std::string::npos) << key;
  }
}

TEST(ScaffoldKey, RingsAndLinkers) {
  EXPECT_EQ(scaffold_of("CCO"), "");
  EXPECT_EQ(scaffold_of("CCc1ccccc1"), "c1ccccc1");
  EXPECT_EQ(scaffold_of("OC(=O)c1ccc(CCN2CCCC2)cc1"), key_of("c1ccc(CCN2CCCC2)cc1"));
  EXPECT_EQ(scaffold_of("C[C@H]1CC[C@@H](C)CC1"), "C1CCCCC1");
}

TEST(CanonicalMolecule, TextIsSettledAndAtomsFollow) {
  for (const std::string& smiles : test::test_molecules()) {
    SCOPED_TRACE(smiles);
    const Molecule typed = Molecule::from_smiles(smiles);
    const Coordinates coordinates = test::numbered(typed.atom_count());
    const Molecule canonical =
        canonical_molecule(typed.with_coordinates(coordinates).with_title("t"));
    EXPECT_EQ(canonical.title(), "t");
    EXPECT_EQ(make_template(canonical).text_template.smiles, canonical.typed_smiles());
    EXPECT_EQ(canonical_molecule(canonical).typed_smiles(), canonical.typed_smiles());
    // Each atom kept its own place.
    std::vector<size_t> map(coordinates.size());
    const Coordinates moved = canonical.coordinates();
    for (size_t i = 0; i < map.size(); ++i) {
      map[i] = static_cast<size_t>(std::find(moved.begin(), moved.end(), coordinates[i]) -
                                   moved.begin());
      ASSERT_LT(map[i], map.size());
    }
    EXPECT_TRUE(test::same_under(typed.rdkit(), canonical.rdkit(), map));
  }
  EXPECT_THROW(canonical_molecule(Molecule::from_smiles("CC->N")), Error);
}

}  // namespace
}  // namespace molgen3d
