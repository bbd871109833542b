#include "text/smiles_scan.h"

#include <gtest/gtest.h>

#include <string>

namespace molgen3d {
namespace {

TEST(ScanSmiles, ReportsPlaces) {
  EXPECT_EQ(scan_smiles("CC)").cause, "')' without '(' at column 3");
  EXPECT_EQ(scan_smiles("C%1C").cause, "'%' without two digits at column 2");
  EXPECT_EQ(scan_smiles("C[]").cause, "empty brackets at column 2");
  EXPECT_EQ(scan_smiles("C->N").cause, "dative bond '->' at column 2");
  EXPECT_EQ(scan_smiles("ClCBr").atoms, 3U);
  EXPECT_EQ(scan_smiles("().").refusal, Refusal::kEmpty);
}

TEST(ScanSmiles, CutsEveryCharacterIntoOneToken) {
  const std::string text = "[13CH3]/C(Cl)=C\\%12c1n.c1%12Br";
  const SmilesScan scan = scan_smiles(text);
  ASSERT_EQ(scan.refusal, Refusal::kNone) << scan.cause;
  size_t at = 0, atoms = 0;
  for (const SmilesToken& token : scan.tokens) {
    EXPECT_EQ(token.begin, at);
    at += token.length;
    atoms += token.is_atom();
  }
  EXPECT_EQ(at, text.size());
  EXPECT_EQ(atoms, 8U);
  EXPECT_EQ(scan.atoms, atoms);
}

TEST(ScanSmiles, ForeignCharactersAreNamed) {
  EXPECT_EQ(foreign_character("CC O\t"), "");
  EXPECT_EQ(foreign_character("C\u2013C"), "U+2013 at column 2 is no SMILES character");
  EXPECT_EQ(foreign_character("C\x80"), "byte 0x80 at column 2 is no SMILES character");
}

TEST(ScanSmiles, OrganicSubset) {
  for (const char* symbol : {"B", "C", "Cl", "Br", "n", "s"})
    EXPECT_TRUE(is_organic_subset(symbol));
  for (const char* symbol : {"", "Si", "H", "CC", "C@", "se", "ClH"})
    EXPECT_FALSE(is_organic_subset(symbol));
}

}  // namespace
}  // namespace molgen3d
