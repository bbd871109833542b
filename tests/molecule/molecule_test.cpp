#include "molecule/molecule.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"

namespace molgen3d {
namespace {

std::string error_of(const std::string& smiles) {
  try {
    Molecule::from_smiles(smiles);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Molecule, ReadsSmilesWithoutRemovableHydrogens) {
  const Molecule molecule = Molecule::from_smiles(" [H]C([H])([H])O\n", "methanol");
  EXPECT_EQ(molecule.atom_count(), 2U);
  EXPECT_EQ(molecule.canonical_smiles(), "CO");
  EXPECT_EQ(molecule.title(), "methanol");
  EXPECT_EQ(molecule.typed_smiles(), "[H]C([H])([H])O");
  EXPECT_EQ(molecule.element(1), "O");
  EXPECT_EQ(Molecule::from_smiles("[Na+].[Cl-]").fragment_count(), 2U);
}

TEST(Molecule, CanonicalWithAndWithoutStereo) {
  const Molecule molecule = Molecule::from_smiles("N[C@@H](C)C(O)=O");
  EXPECT_EQ(molecule.canonical_smiles(), "C[C@H](N)C(=O)O");
  EXPECT_EQ(molecule.canonical_smiles(false), "CC(N)C(=O)O");
}

TEST(Molecule, ErrorsNameTheTextAndTheCause) {
  EXPECT_EQ(error_of(""), "empty SMILES");
  EXPECT_EQ(error_of("  "), "empty SMILES");
  EXPECT_EQ(error_of("C(C"), "SMILES \"C(C\": a branch '(' is never closed");
  EXPECT_EQ(error_of("C1CC"), "SMILES \"C1CC\": ring 1 is never closed");
  EXPECT_EQ(error_of("C[CH3"), "SMILES \"C[CH3\": '[' is never closed at column 2");
  EXPECT_EQ(error_of("Cx"), "SMILES \"Cx\": character \"x\" at column 2");
  EXPECT_EQ(error_of("C C"), "SMILES \"C C\": white space or NUL inside");
  EXPECT_EQ(error_of(std::string("C\0C", 3)), "SMILES \"C\\x00C\": white space or NUL inside");
  EXPECT_NE(error_of("CC(C)(C)(C)C").find("Explicit valence for atom # 1 C, 5"), std::string::npos);
  EXPECT_NE(error_of("c1cccc1").find("kekulize"), std::string::npos);
  EXPECT_NE(error_of(std::string(kMaxSmilesLength + 1, 'C')).find("longer than"),
            std::string::npos);
  EXPECT_NE(error_of(std::string(kMaxAtoms + 1, 'C')).find("more than 1500"), std::string::npos);
}

TEST(Molecule, LongestChainFitsTheStackOfAThread) {
  std::string canonical;
  std::thread([&] {
    canonical = Molecule::from_smiles(std::string(kMaxAtoms, 'C')).canonical_smiles();
  }).join();
  EXPECT_EQ(canonical.size(), kMaxAtoms);
}

TEST(Molecule, CoordinatesComeBackInOrder) {
  const Molecule molecule = Molecule::from_smiles("OC");
  EXPECT_FALSE(molecule.has_coordinates());
  EXPECT_THROW(molecule.coordinates(), Error);
  const Coordinates coordinates = {{0, 1, 2}, {-3, 4.5, 5}};
  const Molecule placed = molecule.with_coordinates(coordinates);
  EXPECT_EQ(placed.coordinates(), coordinates);
  EXPECT_FALSE(molecule.has_coordinates());
  EXPECT_THROW(molecule.with_coordinates({{0, 0, 0}}), Error);
}

TEST(Molecule, SameGraphIgnoresStereoAndSpelling) {
  EXPECT_TRUE(same_molecular_graph("C[C@H](O)N", "NC(C)[OH]"));
  EXPECT_TRUE(same_molecular_graph("C1=CC=CC=C1", "c1ccccc1"));
  EXPECT_FALSE(same_molecular_graph("CCO", "CCN"));
  EXPECT_FALSE(same_molecular_graph("CC", "C("));
  EXPECT_FALSE(same_molecular_graph("C(", "C("));
}

TEST(Molecule, BadMolBlocksAreErrors) {
  EXPECT_THROW(Molecule::from_mol_block(""), Error);
  EXPECT_THROW(Molecule::from_mol_block("title\n\n\nnonsense\n"), Error);
  EXPECT_THROW(Molecule::from_mol_block("title\n\n\n  5  4  0  0  0\n 0 0 0 C\n"), Error);
}

}  // namespace
}  // namespace molgen3d
