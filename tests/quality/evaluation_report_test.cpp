#include "quality/evaluation_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "molecule/molecule.h"

namespace molgen3d {
namespace {

const Coordinates kShort = {{0, 0, 0}, {1.4, 0, 0}};
const Coordinates kLong = {{0, 0, 0}, {4.4, 0, 0}};  // RMSD 1.5 from the short one

ReferenceSet methanol_and_ethane() {
  ReferenceSet set;
  set.path = "reference.sdf";
  set.records = 2;
  for (const char* smiles : {"CO", "CC"}) {
    const Molecule graph = Molecule::from_smiles(smiles);
    set.molecules.push_back({smiles, smiles, smiles, graph, {kShort}});
  }
  return set;
}

GeneratedSet set_of(const std::string& label, const std::vector<Coordinates>& methanols,
                    bool with_ethane) {
  GeneratedSet set;
  set.label = label;
  set.seconds = 2.5;
  for (const Coordinates& c : methanols) {
    GeneratedSample sample;
    sample.smiles = "CO";
    if (c.empty()) {
      sample.failure = "no end";
    } else {
      sample.coordinates = c;
    }
    sample.run = RunFigures{!c.empty(), !c.empty(), 2, 0, 1, 30, 20};
    set.samples.push_back(sample);
  }
  if (with_ethane) {
    set.samples.push_back(set.samples.back());
    set.samples.back().smiles = "CC";
  }
  return set;
}

class EvaluationReportTest : public testing::Test {
 protected:
  EvaluationReportTest()
      : none_(evaluator_.score(set_of("none", {kShort, kLong, {}}, false))),
        exact_(evaluator_.score(set_of("exact", {kShort, kShort}, true))),
        truth_(evaluator_.score_references()) {}

  EvaluationReport report(const EvaluationReportOptions& options = {}) {
    return make_evaluation_report(evaluator_, {&none_, &exact_}, &truth_, options);
  }

  ThreadPool pool_{2};
  Evaluator evaluator_{methanol_and_ethane(), {}, pool_};
  RowScores none_, exact_, truth_;
};

TEST_F(EvaluationReportTest, FiguresAndDifferencesInJson) {
  const auto json = nlohmann::json::parse(evaluation_json(report()));
  ASSERT_EQ(json["rows"].size(), 3U);
  const auto& none = json["rows"][0];
  const auto& exact = json["rows"][1];
  EXPECT_EQ(none["samples"], 3);
  EXPECT_EQ(none["valid"], 2);
  EXPECT_EQ(none["failures"]["no end"], 1);
  EXPECT_EQ(none["molecules_scored"], 1);
  EXPECT_EQ(none["molecules_without_valid_sample"], 1);
  EXPECT_EQ(none["figures"]["cov_r"]["value"], 0.5);  // ethane has no sample
  EXPECT_NEAR(none["figures"]["cov_p"]["value"].get<double>(), 1.0 / 6, 1e-12);
  EXPECT_EQ(none["figures"]["cov_r_dropped"]["value"], 1);
  EXPECT_NEAR(none["figures"]["mat_p"]["value"].get<double>(), 0.75, 1e-9);
  EXPECT_EQ(exact["figures"]["cov_r"]["value"], 1);
  EXPECT_EQ(exact["differences"]["cov_r"]["value"], 0.5);
  EXPECT_EQ(exact["figures"]["tokens"]["value"], 30);
  EXPECT_EQ(exact["figures"]["junk_non_numeric"]["value"], 0.5);
  EXPECT_EQ(exact["seconds"], 2.5);
  EXPECT_TRUE(json["rows"][2]["is_reference"]);
  EXPECT_FALSE(json["rows"][2]["figures"].contains("cov_r"));
  EXPECT_EQ(json["settings"]["threshold"], 0.75);
  EXPECT_EQ(json["rows"][0]["curves"]["cov_r"].size(), 60U);
}

TEST_F(EvaluationReportTest, OnlyMentionedMoleculesWhenAsked) {
  const EvaluationReport alone = make_evaluation_report(
      evaluator_, {&none_}, nullptr, {.only_mentioned = true, .against = {}, .version = {}});
  EXPECT_EQ(alone.reference_molecules, 1U);
  EXPECT_EQ(alone.left_out, 1U);
  EXPECT_EQ(alone.rows[0].estimates[figure_index("cov_r")]->value, 1);
  // Another row names the ethane, so it stays: rows share their molecules.
  EvaluationReportOptions options;
  options.only_mentioned = true;
  EXPECT_EQ(report(options).reference_molecules, 2U);
}

TEST_F(EvaluationReportTest, AnyRowCanBeTheBase) {
  EvaluationReportOptions options;
  options.against = "exact";
  EXPECT_EQ(report(options).rows[0].differences[figure_index("cov_r")]->value, -0.5);
  EXPECT_TRUE(report(options).rows[1].differences.empty());
  options.against = "nothing";
  try {
    report(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("\"exact\""), std::string::npos);
  }
}

TEST_F(EvaluationReportTest, TextMarkdownAndCsvSayTheSame) {
  EvaluationReportOptions options;
  options.curves = true;
  const EvaluationReport made = report(options);
  const std::string text = evaluation_text(made);
  for (const char* part : {"none", "exact", "reference", "COV-R (%)", "50.0 (", "time (s)",
                           "N_total", "N_failed): no end", "0.75 A, strictly less", "RDKit"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  const std::string markdown = evaluation_markdown(made);
  EXPECT_NE(markdown.find("| exact | 3 |"), std::string::npos) << markdown;
  const std::string csv = evaluation_csv(made);
  EXPECT_NE(csv.find("\nfigure,none,cov_r,0.5,"), std::string::npos);
  EXPECT_NE(csv.find("\ndifference,exact,cov_r,0.5,"), std::string::npos);
  EXPECT_NE(csv.find("\ncurve,none,cov_r@0.75,0.5,,"), std::string::npos);
  EXPECT_NE(csv.find("\ncount,none,failed: no end,1,,"), std::string::npos);
  const std::string molecules = evaluation_molecules_csv(made);
  EXPECT_NE(molecules.find("\nnone,CO,CO,1,3,2,1,0,1.00000,0.00000,0.33333,0.75000"),
            std::string::npos)
      << molecules;
}

TEST_F(EvaluationReportTest, RowsOfTheSameNameAreToldApart) {
  RowScores other = none_;
  none_.path = "study/a_none.json";
  other.path = "study/b_none.json";
  const EvaluationReport made = make_evaluation_report(evaluator_, {&none_, &other}, nullptr, {});
  EXPECT_EQ(made.rows[0].label, "none (a_none)");
  EXPECT_EQ(made.rows[1].label, "none (b_none)");
}

}  // namespace
}  // namespace molgen3d
