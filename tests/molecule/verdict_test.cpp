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

// Every kind of damage that the study's logs show, read both ways. Lenient: what its decoder says,
// empty when it lets the block pass.
TEST(Verdict, FailureTaxonomyOfTheStudy) {
  struct Case {
    const char* block;
    std::string lenient;
    std::string strict;
  };
  const std::string triplet = "Bad coord triplet: ", number = "Bad float token: ";
  const std::vector<Case> cases = {
      {"1.094,1.2358,-1.0388,", triplet + "1.094,1.2358,-1.0388,",
       triplet + "1.094,1.2358,-1.0388,"},
      {"0.3014.7184,1.3211", triplet + "0.3014.7184,1.3211", triplet + "0.3014.7184,1.3211"},
      {"1.1782,-", triplet + "1.1782,-", triplet + "1.1782,-"},
      {"1,-,cc", number + "-", number + "-"},
      {"1,2,3,0", triplet + "1,2,3,0", triplet + "1,2,3,0"},
      {"1,2,3.,", triplet + "1,2,3.,", triplet + "1,2,3.,"},
      {"3.0212-0.2769", triplet + "3.0212-0.2769", triplet + "3.0212-0.2769"},
      {"3.0212-0.2769,1,2", "", number + "3.0212-0.2769"},
      {"0.9587abra,0,0", "", number + "0.9587abra"},
      {"0,0.8415amen,0", "", number + "0.8415amen"},
      {"1,2,icineC", number + "icineC", number + "icineC"},
      {"1,2,chedulers", number + "chedulers", number + "chedulers"},
      {"ensive", triplet + "ensive", triplet + "ensive"},
      {"1,2\xef\xbc\x88,3", "", number + "2\xef\xbc\x88"},
      {"0.5204\"1,0,0", "", number + "0.5204\"1"},
      {"0,0.4142}2,0", "", number + "0.4142}2"},
      {"-3.6934,1.3364@@0,0.", "", number + "1.3364@@0"},
      {"1.524+]1.3506,1.30,2", "", number + "1.524+]1.3506"},
      {"1,2,0.5C", "", number + "0.5C"},
      {"1,2,[c", number + "[c", number + "[c"},
      {"SCSCSC", triplet + "SCSCSC", triplet + "SCSCSC"},
      {"1.234...,2,3", "", number + "1.234..."},
      {"1,2,120157094632576653", "", number + "120157094632576653"},
      {"1O-P@@+)(OC)", triplet + "1O-P@@+)(OC)", triplet + "1O-P@@+)(OC)"},
      {"0.9269,0.5755,0.", "", number + "0."},
      {"1,.5,2", "", number + ".5"},
      {"1,+2,3", "", number + "+2"},
      {"1e2,2,3", "", number + "1e2"},
      {"1,2,007", "", number + "007"},
      {"1,-0,3", "", number + "-0"},
      {"1,2,3", "", ""},
      {"-1.2345,0.9876,12", "", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.block);
    const Verdict verdict = judge(sample("C", std::string("[C]<") + c.block + ">"), "C");
    EXPECT_EQ(verdict.issues,
              c.lenient.empty() ? Issues{} : Issues{"decode_cartesian_v2 failed: " + c.lenient});
    EXPECT_EQ(verdict.strict_issues,
              c.strict.empty() ? Issues{} : Issues{"strict parse failed: " + c.strict});
  }
}

// And the damage of whole answers.
TEST(Verdict, WholeAnswersOfTheStudysLogs) {
  const std::string good = "[C]<0,0,0>[C]<1.5,0,0>";
  const std::string wrong = "[C]<0,0,0>[O]<1.4,0,0>";
  // Several conformers in one output: the first one counts.
  EXPECT_EQ(
      issues_of(sample("CC", good) + "[CONFORMER]" + wrong + "[/CONFORMER][/CONFORMER]", "CC"),
      Issues{});
  EXPECT_EQ(issues_of(sample("CC", wrong) + "[CONFORMER]" + good + "[/CONFORMER]", "CC"),
            Issues{"generated conformer <> prompt SMILES mismatch"});
  // Special tokens before the prompt.
  EXPECT_EQ(issues_of("<|im_start|><|endoftext|>" + sample("CC", good), "CC"), Issues{});
  // A molecule that cannot even be parsed, cut in the middle (its log writes `=COc=C(C[OH])`).
  EXPECT_EQ(issues_of(sample("CC", "[C]<0,0,0>=[C]<1,0,0>[O]<2,0,0>[c]<3,0,0>=[C]<4,0,0>("), "CC"),
            Issues{"generated conformer <> prompt SMILES mismatch"});
  // Text of the molecule in a block, with its bracket left open.
  EXPECT_EQ(issues_of(sample("CC", "[C]<0,0,0>[C]<1.5,0,0"), "CC").size(), 1U);
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

}  // namespace
}  // namespace molgen3d
