#include "molecule/verdict.h"

#include <gtest/gtest.h>

#include "molecule/enriched.h"
#include "molecule/test_molecules.h"

namespace molgen3d {
namespace {

using Issues = std::vector<std::string>;

std::string sample(const std::string& prompt, const std::string& conformer) {
  return "[SMILES]" + prompt + "[/SMILES][CONFORMER]" + conformer + "[/CONFORMER]";
}

Issues issues_of(const std::string& text, const std::string& prompt) {
  return judge(text, prompt).issues;
}

TEST(Verdict, IssueStringsInTheStudysOrder) {
  const std::string good = "[C]<0,0,0>[C]<1.5,0,0>";
  EXPECT_EQ(issues_of(sample("CC", good), "CC"), Issues{});
  EXPECT_EQ(issues_of("[CONFORMER]" + good + "[/CONFORMER]", "CC"),
            Issues{"missing [SMILES] block"});
  EXPECT_EQ(issues_of(sample("C", good), "CC"), Issues{"SMILES block mismatch"});
  EXPECT_EQ(issues_of("[SMILES]CC[/SMILES]", "CC"), Issues{"missing [CONFORMER] block"});
  EXPECT_EQ(issues_of("[SMILES]CC[/SMILES][CONFORMER]" + good, "CC"),
            Issues{"missing [CONFORMER] block"});
  EXPECT_EQ(issues_of(sample("CC", ""), "CC"), Issues{"missing [CONFORMER] block"});
  EXPECT_EQ(issues_of(sample("CC", "[C]<0,0,0>[N]<1,0,0>"), "CC"),
            Issues{"generated conformer <> prompt SMILES mismatch"});
  EXPECT_EQ(issues_of(sample("CC", "[C][C]"), "CC"), Issues{"coordinate block never closed"});
  EXPECT_EQ(issues_of("", "CC"), (Issues{"missing [SMILES] block", "missing [CONFORMER] block"}));
  EXPECT_EQ(issues_of("x[SMILES]CN[/SMILES][CONFORMER]zz[/CONFORMER]", "CC"),
            (Issues{"SMILES block mismatch", "generated conformer <> prompt SMILES mismatch",
                    "coordinate block never closed"}));
  EXPECT_EQ(issues_of(sample("CC", "[C]<0,0,0>[C]<1,0>"), "CC"),
            Issues{"decode_cartesian_v2 failed: Bad coord triplet: 1,0"});
}

TEST(Verdict, FailureTaxonomyOfTheStudy) {
  const auto issue = [](const std::string& block) {
    const Issues issues = issues_of(sample("C", "[C]<" + block + ">"), "C");
    return issues.empty() ? std::string()
                          : issues[0].substr(sizeof("decode_cartesian_v2 failed: ") - 1);
  };
  EXPECT_EQ(issue("1.094,1.2358,-1.0388,"), "Bad coord triplet: 1.094,1.2358,-1.0388,");
  EXPECT_EQ(issue("0.3014.7184,1.3211"), "Bad coord triplet: 0.3014.7184,1.3211");
  EXPECT_EQ(issue("1,2,3,0"), "Bad coord triplet: 1,2,3,0");
  EXPECT_EQ(issue("1,-,cc"), "Bad float token: -");
  EXPECT_EQ(issue("1,2,icineC"), "Bad float token: icineC");
  EXPECT_EQ(issue("1O-P@@+)(OC)"), "Bad coord triplet: 1O-P@@+)(OC)");
  // What the study lets pass, the strict reading does not.
  for (const char* hidden : {"0.5204\"1,0,0", "0,0.4142}2,0", "0.9587abra,0,0",
                             "-3.6934,1.3364@@0,0.", "1,2,120157094632576653"}) {
    const Verdict verdict = judge(sample("C", std::string("[C]<") + hidden + ">"), "C");
    EXPECT_TRUE(verdict.passed()) << hidden;
    EXPECT_FALSE(verdict.strictly_passed()) << hidden;
    EXPECT_EQ(verdict.strict_issues[0].find("strict parse failed: Bad float token: "), 0U);
  }
}

TEST(Verdict, TheMoleculeIsTheOneReadLeniently) {
  const auto x_of = [](const std::string& block, const std::string& atom = "[C]") {
    const Verdict verdict = judge(sample("C", atom + "<" + block + ">"), "C");
    return verdict.molecule ? verdict.molecule->coordinates()[0].x : -99;
  };
  EXPECT_EQ(x_of("0.5,0,0"), 0.5);         // plain
  EXPECT_EQ(x_of("0.5204\"1,0,0"), 1);     // the last number of the field
  EXPECT_EQ(x_of("0.,2,0"), 0);            // no number that the encoder writes
  EXPECT_EQ(x_of("1,2"), -99);             // unreadable
  EXPECT_EQ(x_of("0.5,0,0", "[N]"), -99);  // another molecule: nothing to look at
}

TEST(Verdict, ExactMatchAndRealCoordinates) {
  const Verdict verdict = judge(sample("CCO", "[C]<0,0,0>[C]<1,0,0>[OH]<2,0,0>"), "CCO");
  EXPECT_TRUE(verdict.passed());
  EXPECT_TRUE(verdict.strictly_passed());
  EXPECT_FALSE(verdict.smiles_exact_match);
  EXPECT_EQ(verdict.generated_smiles, "CC[OH]");
  EXPECT_TRUE(verdict.has_real_coordinates);
  const Verdict zeros = judge(sample("C", "[C]<0.0000,0.0000,0.0000>"), "C");
  EXPECT_TRUE(zeros.smiles_exact_match);
  EXPECT_FALSE(zeros.has_real_coordinates);
}

TEST(Verdict, BeyondTheStudy) {
  EXPECT_EQ(judge(sample("C", "[C]<0,0,0>"), "C", false).strict_issues,
            Issues{"no end of sequence"});
  const std::string prompt = "C[C@H](N)O";
  const NumberFormat format;
  const Molecule right = test::embedded(prompt);
  const Molecule wrong =
      Molecule::from_smiles(prompt).with_coordinates(test::embedded("C[C@@H](N)O").coordinates());
  EXPECT_TRUE(judge(sample(prompt, encode_enriched(right, format)), prompt).strictly_passed());
  const Verdict mirrored = judge(sample(prompt, encode_enriched(wrong, format)), prompt);
  EXPECT_TRUE(mirrored.passed());
  EXPECT_EQ(
      mirrored.strict_issues,
      Issues{"stereo mismatch: 0 of 1 centres and 0 of 0 double bonds as asked (mirror image)"});
  const Verdict other =
      judge(sample(prompt, encode_enriched(test::embedded("C[C@@H](N)O"), format)), prompt);
  EXPECT_TRUE(other.passed());
  EXPECT_EQ(other.strict_issues, Issues{"stereo mismatch: the text names another stereoisomer"});
}

TEST(Junk, TwoDefinitions) {
  const auto kind = [](const char* block) {
    const BlockJunk junk = classify_block(block);
    return std::string(junk.letters ? "L" : "-") + (junk.non_numeric ? "N" : "-");
  };
  EXPECT_EQ(kind("1.2,-0.5,3"), "--");
  EXPECT_EQ(kind("1.,.5,-0"), "--");
  EXPECT_EQ(kind("0.5204\"1,0,0"), "-N");
  EXPECT_EQ(kind("0.4142}2,0,0"), "-N");
  EXPECT_EQ(kind("1.1583Cn,0,0"), "LN");
  EXPECT_EQ(kind("1,2"), "-N");
  EXPECT_EQ(kind("1,2,3,"), "-N");
  EXPECT_EQ(kind("1.2.3,0,0"), "-N");
  EXPECT_EQ(kind("1,--2,0"), "-N");
  EXPECT_EQ(kind(""), "-N");
  const JunkCount count = count_junk("[C]<0,0,0>[C]<1x,0,0>[C]<1,\"2,3>[C]<4,4", 1);
  EXPECT_EQ(count.blocks, 3U);
  EXPECT_EQ(count.letters, 1U);
  EXPECT_EQ(count.non_numeric, 2U);
  EXPECT_EQ(count.examples, Issues{"1x,0,0"});
}

}  // namespace
}  // namespace molgen3d
