#include "text/enriched_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace molgen3d {
namespace {

constexpr NumberFormat kStrip{4, NumberFormat::Zeros::kStrip, 3};

TEST(MatchTemplate, TakesTheExactAnswerOnly) {
  const Template text_template = template_of_smiles("CC=O").text_template;
  const Coordinates coordinates = {{0, 0, 0}, {1.5, -2, 0.25}, {3, 3, 3}};
  const std::string text = fill_template(text_template, coordinates, kStrip);
  EXPECT_EQ(text, "[C]<0,0,0>[C]<1.5,-2,0.25>=[O]<3,3,3>");
  EXPECT_EQ(match_template(text, text_template, kStrip), coordinates);
  std::string cause;
  for (const char* wrong :
       {"", "[C]<0,0,0>", "[C]<0,0,0>[C]<1.5,-2,0.25>=[O]<3,3,3>>",
        "[C]<0,0,0>[C]<1.5,-2,0.25>=[N]<3,3,3>", "[C]<0,0,0>[C]<1.5,-2,0.25,>=[O]<3,3,3>",
        "[C]<0,0,0.>[C]<1.5,-2,0.25>=[O]<3,3,3>", "[C]<0,0,0>[C]<1.5,-2,0.25>=[O]<3,3,3",
        "[C]<0,0,0>[C]<1.5,-2,0.25"}) {
    cause.clear();
    EXPECT_FALSE(match_template(wrong, text_template, kStrip, &cause)) << wrong;
    EXPECT_FALSE(cause.empty());
  }
  match_template("[C]<0,0,0x>[C]", text_template, kStrip, &cause);
  EXPECT_EQ(cause, "at character 9: expected a number, found \"0x>[C]\"");
}

TEST(KeepsLiterals, WhateverTheBlocksHold) {
  const Template text_template = template_of_smiles("CC=O").text_template;
  EXPECT_TRUE(keeps_literals("[C]<x>[C]<>=[O]<1,2>", text_template));
  for (const char* other : {"", "[C]<x>[C]<>=[O]<", "[C]<x>[C]<>=[N]<>", "[C]<x>[C]<>=[O]<>)"})
    EXPECT_FALSE(keeps_literals(other, text_template)) << other;
}

TEST(FillTemplate, CountsItsAtoms) {
  const Template text_template = template_of_smiles("CO").text_template;
  const std::vector<int32_t> units = {0, -5000, 12345, 10000, 0, 0};
  EXPECT_EQ(fill_template(text_template, units, kStrip), "[C]<0,-0.5,1.2345>[O]<1,0,0>");
  EXPECT_THROW(fill_template(text_template, Coordinates(1), kStrip), Error);
  EXPECT_THROW(fill_template(text_template, std::vector<int32_t>(5), kStrip), Error);
}

TEST(SplitEnriched, GivesSmilesAndCoordinates) {
  const SplitText split = split_enriched("[CH3]<1,2,3>(=[O]<-1,0,0.5>)%12", DecodeLevel::kStrict);
  EXPECT_EQ(split.error, "");
  EXPECT_EQ(split.smiles, "[CH3](=O)%12");
  EXPECT_EQ(split.coordinates, (Coordinates{{1, 2, 3}, {-1, 0, 0.5}}));
  const auto error = [](const char* text) {
    return split_enriched(text, DecodeLevel::kLenient).error;
  };
  EXPECT_EQ(error("[C]<1,2>"), "Bad coord triplet: 1,2");
  EXPECT_EQ(error("[C]<1,2,x>"), "Bad float token: x");
  EXPECT_EQ(error("?[C]<1,2,3>"), "Unrecognized enriched fragment: ? in ?[C]<1,2,3>");
  EXPECT_EQ(error("[C]<1,2,3>?"), "Unparsed trailing enriched fragment: ? in [C]<1,2,3>?");
}

TEST(StripSmiles, AsTheStudyDoes) {
  EXPECT_EQ(strip_smiles("C<0,0,0>N<1.0,2.0,3.0>"), "CN");
  EXPECT_EQ(strip_smiles("[C]<0,0,0>[N]<1,2,3>"), "CN");
  EXPECT_EQ(strip_smiles("[NH2+]<0,0,0>[C]"), "[NH2+]C");
  EXPECT_EQ(strip_smiles("[cH]<0,0,0>C"), "cC");
  EXPECT_EQ(strip_smiles("[C][N][C@H]<0,0,0>[c]"), "CN[C@H]c");
  EXPECT_EQ(strip_smiles("[C]<000,000,000>[N]<214,321,123.0>"), "CN");
  EXPECT_EQ(strip_smiles("[CH3][CH2] [CH]\n[13CH3][NH][OH][Si][H]"), "CCC[13CH3][NH][OH][Si][H]");
  EXPECT_EQ(strip_smiles("[Cl]<1,2,3>[Br]<>[I]"), "ClBrI");
  EXPECT_EQ(strip_smiles("C<1,2"), "C<1,2");
  EXPECT_EQ(strip_smiles("[]["), "[][");
  EXPECT_EQ(strip_smiles(""), "");
}

}  // namespace
}  // namespace molgen3d
