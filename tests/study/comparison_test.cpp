#include "study/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/shown_text.h"
#include "study/synthetic_runs.h"

namespace molgen3d {
namespace {

const Table& table_named(const Comparison& comparison, const std::string& title) {
  for (const Table* table : comparison.tables()) {
    if (table->title == title) return *table;
  }
  throw std::runtime_error("no table " + title);
}

TEST(Comparison, AddsUpSamples) {
  RunReport none = synthetic_run("none", 40, 1);
  RunReport exact = synthetic_run("exact", 40, 2);
  none.times.total = 8;
  exact.times.total = 2;
  const std::vector<RunReport> runs = {exact, none};
  const Comparison comparison = compare_runs(runs);
  EXPECT_EQ(comparison.runs[0].passed, 36U);
  EXPECT_EQ(comparison.runs[0].blocks.blocks, 40U * 26);
  EXPECT_EQ(comparison.runs[0].tokens(), 40U * 560);
  EXPECT_EQ(baseline_of(comparison, 0), 1U);
  const Table& outcome = table_named(comparison, "Does it pass, and how long does it take");
  EXPECT_EQ(cell_text(outcome.rows[0][2]), "90.0 %");
  EXPECT_EQ(cell_text(outcome.rows[0][9]), "0.25");
  EXPECT_EQ(cell_text(outcome.rows[1][9]), "1.00");
  const Table& failures = table_named(comparison, "Why samples fail");
  EXPECT_EQ(cell_text(failures.rows[0][0]), "generated conformer <> prompt SMILES mismatch");
  EXPECT_EQ(cell_text(failures.rows[0][1]), "4 (10.0 %)");
  EXPECT_EQ(failing_samples(comparison, 3).rows.size(), 6U);
}

TEST(Comparison, CountsForeignDescriptorsAndKindsOfFailure) {
  RunReport run = synthetic_run("allowlist", 0, 1);
  SampleRecord sample;
  sample.prompt_smiles = "CNC[C@@H](C)[nH]";
  sample.decoded_text =
      "[SMILES]CNC[/SMILES][CONFORMER][C]<0,0,0>[NH]<1,0,[OH]>[C@@H]<0,0,0>[NH]<0,0,0>[/CONFORMER]";
  sample.issues = {"decode_cartesian_v2 failed: Bad coord triplet: 1,0"};
  sample.has_conformer = sample.same_graph = true;
  run.samples = {sample};
  const std::vector<RunReport> runs = {run};
  const RunSummary summary = compare_runs(runs).runs[0];
  EXPECT_EQ(summary.foreign_descriptors, (std::map<std::string, size_t>{{"[NH]", 2}}));
  EXPECT_EQ(summary.samples_with_foreign_descriptors, 1U);
  EXPECT_EQ(summary.issues.at("decode_cartesian_v2 failed: Bad coord triplet").count, 1U);
  EXPECT_EQ(summary.answers.at("no end of sequence").count, 1U);
}

TEST(Comparison, EmptyRunGivesAReport) {
  const std::vector<RunReport> runs = {RunReport{}};
  const Comparison comparison = compare_runs(runs);
  EXPECT_NE(comparison_text(comparison).find("Does it pass"), std::string::npos);
  EXPECT_NE(comparison_html(comparison, "empty").find("</html>"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(comparison_json(comparison)).at("runs").size(), 1U);
}

// docs/study.md: figures are numbers, with all their digits.
TEST(Comparison, JsonHasNumbers) {
  const std::vector<RunReport> runs = {synthetic_run("none", 30, 1), synthetic_run("exact", 30, 2)};
  const Comparison comparison = compare_runs(runs);
  const auto json = nlohmann::json::parse(comparison_json(comparison));
  const std::vector<const Table*> tables = comparison.tables();
  ASSERT_EQ(json.at("tables").size(), tables.size());
  const auto figure = [&](const char* title, const char* column, size_t row) {
    for (const auto& table : json.at("tables")) {
      if (table.at("title") != title) continue;
      const auto& header = table.at("header");
      const auto at = std::find(header.begin(), header.end(), column) - header.begin();
      return table.at("rows").at(row).at(static_cast<size_t>(at));
    }
    throw std::runtime_error(title);
  };
  const char* outcome = "Does it pass, and how long does it take";
  EXPECT_EQ(figure(outcome, "run", 1), "exact");
  EXPECT_EQ(figure(outcome, "samples", 0), 30);
  EXPECT_EQ(figure(outcome, "pass", 0), (nlohmann::json{{"value", 90}, {"unit", "%"}}));
  EXPECT_EQ(figure(outcome, "time (s)", 0), 11);
  EXPECT_DOUBLE_EQ(figure(outcome, "ratio", 1).get<double>(), 12.0 / 11);
  EXPECT_TRUE(figure(outcome, "CPU (s)", 0).is_null());  // not known
  EXPECT_EQ(figure("Why samples fail", "none", 0), (nlohmann::json{{"value", 3}, {"percent", 10}}));
  EXPECT_EQ(figure("Where the time goes (s)", "decode", 1).at("percent"), 75);
  for (size_t t = 0; t < tables.size(); ++t) {
    for (const auto& row : json.at("tables").at(t).at("rows"))
      EXPECT_EQ(row.size(), tables[t]->header.size()) << tables[t]->title;
  }
}

// Text, Markdown and page name the same tables; the page has a plot in one's place.
TEST(Comparison, AllFormsHaveTheSameTables) {
  const std::vector<RunReport> runs = {synthetic_run("none", 30, 1), synthetic_run("exact", 30, 2)};
  const Comparison comparison = compare_runs(runs);
  const std::string text = comparison_text(comparison);
  const std::string markdown = comparison_markdown(comparison);
  const std::string html = comparison_html(comparison, "title", {});
  size_t missing = 0;
  for (const Table* table : comparison.tables()) {
    EXPECT_NE(text.find(table->title + "\n"), std::string::npos) << table->title;
    EXPECT_NE(markdown.find("### " + table->title.substr(0, 14)), std::string::npos);
    missing += html.find("<figcaption>" + html_escaped(table->title) + "</figcaption><div") ==
               std::string::npos;
  }
  EXPECT_EQ(missing, 1U);
  EXPECT_NE(html.find("by position</figcaption><svg"), std::string::npos);
}

// Three runs of a thousand samples: below 3 MB.
TEST(Comparison, ThreeThousandSamplesAreSmall) {
  std::vector<std::string> files;
  uint32_t seed = 0;
  for (const char* label : {"none", "allowlist", "exact"})
    files.push_back(run_report_json(synthetic_run(label, 1000, ++seed)));
  std::vector<RunReport> runs;
  for (const std::string& file : files) runs.push_back(parse_run_report(file, "run"));
  std::string html = comparison_html(compare_runs(runs), "three runs");
  EXPECT_LT(html.size(), 3'000'000U);
  // Nothing may be loaded from elsewhere; the viewer's licence names its authors' pages.
  const std::string licence = html_escaped(std::string(viewer_library().licence));
  const size_t at = html.find(licence);
  ASSERT_NE(at, std::string::npos);
  html.erase(at, licence.size());
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
  EXPECT_EQ(html.find(" src="), std::string::npos);
}

TEST(Comparison, ModelTextCannotBreakThePage) {
  RunReport run = synthetic_run("none", 1, 1);
  run.samples[0].issues = {"</script><script>alert(1)</script>"};
  run.metadata.label = "<img onerror=x>";
  const std::vector<RunReport> runs = {run};
  const std::string html = comparison_html(compare_runs(runs), "\"<b>");
  EXPECT_EQ(html.find("alert(1)</script>"), std::string::npos);
  EXPECT_EQ(html.find("<img onerror"), std::string::npos);
  EXPECT_EQ(html.find("<b>"), std::string::npos);
}

}  // namespace
}  // namespace molgen3d
