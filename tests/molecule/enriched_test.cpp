#include "molecule/enriched.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"
#include "molecule/test_molecules.h"

namespace molgen3d {
namespace {

constexpr NumberFormat kStrip{4, NumberFormat::Zeros::kStrip, 3};
constexpr NumberFormat kFixed{4, NumberFormat::Zeros::kFixed, 3};

std::string error_of(const std::string& text, DecodeLevel level = DecodeLevel::kLenient) {
  return decode_enriched(text, level).error;
}

/// Coordinate x of a one-atom text, NaN when it is refused.
double lenient_x(const std::string& field) {
  const DecodeResult result = decode_enriched("[C]<" + field + ",0,0>", DecodeLevel::kLenient);
  return result.molecule ? result.molecule->coordinates()[0].x
                         : std::numeric_limits<double>::quiet_NaN();
}

TEST(Encode, WritesBothDialects) {
  const Molecule molecule = Molecule::from_smiles("C=O").with_coordinates(
      {{-0.00004, 1.23456, -12.3}, {0, 1.005, -0.00019999}});
  EXPECT_EQ(encode_enriched(molecule, kStrip), "[C]<0,1.2345,-12.3>=[O]<0,1.0049,-0.0001>");
  EXPECT_EQ(encode_enriched(molecule, kFixed),
            "[C]<0.0000,1.2345,-12.3000>=[O]<0.0000,1.0049,-0.0001>");
}

TEST(Encode, RefusesWhatCannotBeWritten) {
  const Molecule molecule = Molecule::from_smiles("C");
  EXPECT_THROW(encode_enriched(molecule, kStrip), Error);
  EXPECT_THROW(encode_enriched(molecule.with_coordinates({{NAN, 0, 0}}), kStrip), Error);
  EXPECT_THROW(encode_enriched(molecule.with_coordinates({{0, INFINITY, 0}}), kStrip), Error);
  EXPECT_THROW(encode_enriched(molecule.with_coordinates({{0, 0, 1000}}), kStrip), Error);
  EXPECT_THROW(encode_enriched(Molecule::from_smiles("C*").with_coordinates({{}, {}}), kStrip),
               Error);
}

TEST(Encode, RealGeometryComesBackTruncated) {
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule molecule = Molecule::from_smiles(smiles);
    const Coordinates coordinates = test::embed(molecule);
    if (coordinates.empty()) continue;
    for (const NumberFormat& format : {kStrip, kFixed}) {
      const std::string text = encode_enriched(molecule.with_coordinates(coordinates), format);
      const DecodeResult decoded = decode_enriched(text, DecodeLevel::kStrict, format);
      ASSERT_TRUE(decoded.molecule) << text << " " << decoded.error;
      const Coordinates back =
          to_input_order(make_template(molecule).text_template, decoded.molecule->coordinates());
      for (size_t i = 0; i < back.size(); ++i) {
        EXPECT_NEAR(back[i].x, coordinates[i].x, 1.0001e-4);
        EXPECT_NEAR(back[i].y, coordinates[i].y, 1.0001e-4);
        EXPECT_NEAR(back[i].z, coordinates[i].z, 1.0001e-4);
      }
      if (smiles.find("[CH") == std::string::npos) {
        EXPECT_EQ(strip_smiles(text), molecule.canonical_smiles());
      }
    }
  }
}

TEST(Encode, RandomChainsOverFourElements) {
  std::mt19937 random(0);
  for (int i = 0; i < 50; ++i) {
    std::string smiles;
    const size_t length = 2 + random() % 5;
    for (size_t k = 0; k < length; ++k) smiles += "CNOF"[random() % 4];
    const TemplateResult result = make_template(smiles);
    if (!result.ok()) {
      EXPECT_EQ(result.refusal, Refusal::kUnparsable) << smiles;
      continue;
    }
    const std::string text = fill_template(result.text_template, test::numbered(length), kStrip);
    EXPECT_TRUE(decode_enriched(text, DecodeLevel::kStrict, kStrip).molecule) << text;
  }
}

TEST(Decode, ErrorsOfTheStudy) {
  EXPECT_EQ(error_of("[C]<0,0,0>x[C]<1,0,0>"),
            "Unrecognized enriched fragment: x in [C]<0,0,0>x[C]<1,0,0>");
  EXPECT_EQ(error_of("C<0,0,0>=[C]<1,0,0>"),

            "Unrecognized enriched fragment: C< in C<0,0,0>=[C]<1,0,0>");
  EXPECT_EQ(error_of("[C]<0,0,0>[C]<1,0"),
            "Unrecognized enriched fragment: [C]< in [C]<0,0,0>[C]<1,0");
  EXPECT_EQ(error_of("[C]<0,0,0>[C]"), "Unparsed trailing enriched fragment: [C] in [C]<0,0,0>[C]");
  EXPECT_EQ(error_of("[C]<0,0>"), "Bad coord triplet: 0,0");
  EXPECT_EQ(error_of("[C]<0,0,0,0>"), "Bad coord triplet: 0,0,0,0");
  EXPECT_EQ(error_of("[C]<0,0,abra>"), "Bad float token: abra");
  EXPECT_EQ(error_of("[C]<0, ,0>"), "Bad float token: ");
  EXPECT_EQ(error_of("[C]<0,0,0>("), "Failed to parse rebuilt SMILES: C(");
  EXPECT_EQ(error_of("[Qq]<0,0,0>"), "Failed to parse rebuilt SMILES: [Qq]");
  EXPECT_EQ(error_of(""), "Failed to parse rebuilt SMILES: ");
  EXPECT_NE(error_of("[F]<0,0,0>=[F]<1,0,0>").find("Explicit valence"), std::string::npos);
}

TEST(Decode, LenientTakesTheLastNumberOfAField) {
  EXPECT_EQ(lenient_x("0.5204\"1"), 1);
  EXPECT_EQ(lenient_x("0.4142}2"), 2);
  EXPECT_EQ(lenient_x("0.9587abra"), 0.9587);
  EXPECT_EQ(lenient_x("3.0212-0.2769"), -0.2769);
  EXPECT_EQ(lenient_x("1."), 1);
  EXPECT_EQ(lenient_x("-.5"), -0.5);
  EXPECT_EQ(lenient_x("+2"), 2);
  EXPECT_EQ(lenient_x("1e-2"), 0.01);
  EXPECT_EQ(lenient_x("1e"), 1);
  EXPECT_EQ(lenient_x("0.3014.7184"), 0.7184);
  EXPECT_EQ(lenient_x("2.."), 2);
  EXPECT_EQ(lenient_x(" 7 "), 7);
  EXPECT_EQ(lenient_x("120157094632576653"), 120157094632576653.0);
  EXPECT_TRUE(std::isinf(lenient_x("1e999")));
  EXPECT_TRUE(std::isnan(lenient_x("-.")));
}

TEST(Decode, StrictTakesTheGrammarOnly) {
  for (const char* field : {"1.", ".5", "+1", "1e1", "-0", "-0.0", "01", "1.23456", "1000", " 1",
                            "1 ", "0.5204\"1", "", "-", "nan", "inf"}) {
    const std::string text = std::string("[C]<") + field + ",0,0>";
    EXPECT_FALSE(decode_enriched(text, DecodeLevel::kStrict).molecule) << text;
  }
  EXPECT_TRUE(decode_enriched("[C]<1.5000,0,-0.5>", DecodeLevel::kStrict).molecule);
  EXPECT_FALSE(decode_enriched("[C]<1.5000,0,-0.5>", DecodeLevel::kStrict, kStrip).molecule);
  EXPECT_FALSE(decode_enriched("[C]<1.5000,0,-0.5>", DecodeLevel::kStrict, kFixed).molecule);
}

TEST(Decode, ReadsDescriptorsWithHydrogenCounts) {
  const DecodeResult decoded =
      decode_enriched("[CH3]<0,0,0>[C]<1,0,0>(=[O]<2,0,0>)[NH2]<3,0,0>", DecodeLevel::kStrict);
  ASSERT_TRUE(decoded.molecule) << decoded.error;
  EXPECT_EQ(decoded.molecule->canonical_smiles(), "CC(N)=O");
}

}  // namespace
}  // namespace molgen3d
