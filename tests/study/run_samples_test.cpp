#include "study/run_samples.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "data_files.h"
#include "quality/generated_files.h"

namespace molgen3d {
namespace {

RunReport report_of_three() {
  RunReport report;
  report.metadata.label = "exact";
  report.metadata.model_path = "models/none";
  report.metadata.timestamp = "2026-01-02";
  report.times.total = 4.5;
  SampleRecord good;
  good.prompt_smiles = "CO";
  good.decoded_text = "[SMILES]CO[/SMILES][CONFORMER][C]<0,0,0>[O]<1.4,0,0>[/CONFORMER]";
  good.strict = true;
  good.blocks = 2;
  good.sampled_tokens = 20;
  good.forced_tokens = 5;
  good.passes = 21;
  SampleRecord wrong = good;
  wrong.issues = {"decode_cartesian_v2 failed: Bad coord triplet: 1,2"};
  wrong.strict = false;
  wrong.junk_letters = 1;
  report.samples = {good, wrong, wrong};
  report.samples[2].issues = {"missing [CONFORMER] block"};
  return report;
}

// As `evaluate` reads a file.
GeneratedSet read(const std::string& path) {
  return read_generated(path, [](const std::string& text, const std::string& name) {
    return generated_set_of(parse_run_report(text, name), name);
  });
}

TEST(RunSamples, OfAReport) {
  const test::TemporaryFolder folder;
  const GeneratedSet set = read(folder.write("run.json", run_report_json(report_of_three())));
  EXPECT_EQ(set.label, "exact");
  EXPECT_EQ(*set.seconds, 4.5);
  ASSERT_EQ(set.samples.size(), 3U);
  EXPECT_EQ(set.samples[0].smiles, "CO");
  EXPECT_EQ(set.samples[0].enriched, "[C]<0,0,0>[O]<1.4,0,0>");
  EXPECT_TRUE(set.samples[0].run->strict);
  EXPECT_EQ(set.samples[0].run->tokens, 25U);
  EXPECT_EQ(set.samples[0].run->passes, 21U);
  EXPECT_EQ(set.samples[1].failure, "decode_cartesian_v2 failed: Bad coord triplet");
  EXPECT_EQ(set.samples[1].run->junk_letters, 1U);
  EXPECT_EQ(set.samples[2].failure, "missing [CONFORMER] block");
}

TEST(RunSamples, GzippedReports) {
  const test::TemporaryFolder folder;
  RunReport report = report_of_three();
  report.metadata.label.clear();
  const std::string text = run_report_json(report);
  gzFile file = gzopen(folder.path("a.json.gz").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  const GeneratedSet set = read(folder.path("a.json.gz"));
  EXPECT_EQ(set.samples.size(), 3U);
  EXPECT_EQ(set.label, "a");  // of its file: the run has none
}

TEST(RunSamples, AFolderGivesItsRunsTheFreeOneFirst) {
  const test::TemporaryFolder folder;
  RunReport report = report_of_three();
  folder.write("model_exact.json", run_report_json(report));
  report.metadata.logit_processor_enabled = false;
  report.metadata.timestamp = "2026-01-03";
  folder.write("model_none.json", run_report_json(report));
  folder.write("report.json", R"({"runs": []})");
  const auto files = run_report_files(folder.path(""));
  ASSERT_EQ(files.size(), 2U);
  EXPECT_NE(files[0].find("model_none.json"), std::string::npos);
  EXPECT_EQ(run_report_files("x.sdf"), std::vector<std::string>{"x.sdf"});
}

}  // namespace
}  // namespace molgen3d
