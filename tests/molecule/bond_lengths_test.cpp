#include "molecule/bond_lengths.h"

#include <gtest/gtest.h>

#include "molecule/enriched.h"

namespace molgen3d {
namespace {

Molecule decoded(const std::string& text) {
  return *decode_enriched(text, DecodeLevel::kLenient).molecule;
}

// Experimental lengths: ethane 1.53, ethene 1.34, ethyne 1.20, methanol 1.43, benzene 1.40 A.
TEST(BondLengths, ExpectedLengthsAreChemical) {
  const auto expected = [](const char* text) { return bond_lengths(decoded(text))[0].expected; };
  EXPECT_NEAR(expected("[C]<0,0,0>[C]<1.53,0,0>"), 1.53, 0.03);
  EXPECT_NEAR(expected("[C]<0,0,0>=[C]<1.34,0,0>"), 1.34, 0.03);
  EXPECT_NEAR(expected("[C]<0,0,0>#[C]<1.2,0,0>"), 1.20, 0.03);
  EXPECT_NEAR(expected("[C]<0,0,0>[O]<1.43,0,0>"), 1.43, 0.04);
  EXPECT_NEAR(expected("[c]<1.4,0,0>1[c]<0.7,1.2,0>[c]<-0.7,1.2,0>[c]<-1.4,0,0>[c]<-0.7,-1.2,0>"
                       "[c]<0.7,-1.2,0>1"),
              1.40, 0.03);
}

TEST(BondLengths, MeasuresAndCompares) {
  const auto bonds = bond_lengths(decoded("[C]<0,0,0>[C]<3,4,0>"));
  ASSERT_EQ(bonds.size(), 1U);
  EXPECT_DOUBLE_EQ(bonds[0].length, 5);
  EXPECT_NEAR(bonds[0].error(), 3.47, 0.05);
}

TEST(BondLengths, AgainstAReferenceInAnotherOrder) {
  const Molecule generated = decoded("[C]<0,0,0>[C]<1.5,0,0>[O]<1.5,2,0>");
  const Molecule reference = decoded("[O]<0,0,0>[C]<1.4,0,0>[C]<1.4,1.5,0>");
  const auto bonds = bond_lengths(generated, reference, {2, 1, 0});
  ASSERT_EQ(bonds.size(), 2U);
  EXPECT_EQ(bonds[0].first, 2U);
  EXPECT_NEAR(bonds[0].error(), 0.6, 1e-12);
  EXPECT_NEAR(bonds[1].error(), 0, 1e-12);
  EXPECT_TRUE(bond_lengths(generated, reference, {0, 2, 1}).empty());
  EXPECT_TRUE(bond_lengths(generated, decoded("[C]<0,0,0>[C]<1,0,0>"), {0, 1}).empty());
}

}  // namespace
}  // namespace molgen3d
