#include "analysis/generated_set.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "analysis/data_files.h"
#include "base/error.h"
#include "molecule/test_molecules.h"
#include "molecule/writers.h"

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

std::string error_of(const std::string& path) {
  try {
    read_generated(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(GeneratedSet, RunReports) {
  const test::TemporaryFolder folder;
  const GeneratedSet set =
      read_generated(folder.write("run.json", run_report_json(report_of_three())));
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

TEST(GeneratedSet, JsonLinesOfGenerateWithFailures) {
  const test::TemporaryFolder folder;
  const GeneratedSet set = read_generated(folder.write(
      "g.jsonl",
      R"({"record":0,"source":"a:1","title":"t","input":"OC","sample":0,"seed":1,"smiles":"CO","enriched":"[C]<0,0,0>[O]<1.4,0,0>"})"
      "\n"
      R"({"record":0,"source":"a:1","title":"t","sample":1,"seed":1,"error":"no end of sequence within 512 tokens"})"
      "\n\n"
      R"({"record":1,"source":"a:2","title":"","input":"CX","sample":0,"seed":1,"error":"SMILES \"CX\": syntax"})"
      "\n"));
  ASSERT_EQ(set.samples.size(), 3U);
  EXPECT_EQ(set.label, "g");
  EXPECT_EQ(set.samples[0].smiles, "CO");
  EXPECT_EQ(set.samples[1].smiles, "CO");  // named by another sample of the record
  EXPECT_EQ(set.samples[1].failure, "no end of sequence within N tokens");
  EXPECT_EQ(set.samples[2].smiles, "CX");
  EXPECT_EQ(set.samples[2].failure, "SMILES: syntax");
}

TEST(GeneratedSet, SdfWithItsFailedSamplesBesideIt) {
  const test::TemporaryFolder folder;
  const std::string sdf = sdf_record(test::embedded("CCO", 1), {{"SMILES", "OCC"}});
  folder.write("g.sdf.failed.jsonl",
               R"({"record":0,"title":"","input":"OCC","sample":1,"error":"the answer is not one"})"
               "\n");
  const GeneratedSet set = read_generated(folder.write("g.sdf", sdf));
  ASSERT_EQ(set.samples.size(), 2U);
  EXPECT_EQ(set.samples[0].smiles, "OCC");
  EXPECT_FALSE(set.samples[0].mol_block.empty());
  EXPECT_EQ(set.samples[1].failure, "the answer is not one");
  EXPECT_NE(set.note.find("1 failed samples"), std::string::npos);
}

TEST(GeneratedSet, GzippedFiles) {
  const test::TemporaryFolder folder;
  const std::string sdf = sdf_record(test::embedded("CCO", 1), {});
  const std::string report = run_report_json(report_of_three());
  for (const auto& [name, text] : {std::pair{"a.sdf.gz", sdf}, std::pair{"a.json.gz", report}}) {
    gzFile file = gzopen(folder.path(name).c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
  }
  EXPECT_EQ(read_generated(folder.path("a.sdf.gz")).samples.size(), 1U);
  EXPECT_EQ(read_generated(folder.path("a.sdf.gz")).label, "a");
  EXPECT_EQ(read_generated(folder.path("a.json.gz")).samples.size(), 3U);
}

TEST(GeneratedSet, AFolderGivesItsRunsTheFreeOneFirst) {
  const test::TemporaryFolder folder;
  RunReport report = report_of_three();
  folder.write("model_exact.json", run_report_json(report));
  report.metadata.logit_processor_enabled = false;
  report.metadata.timestamp = "2026-01-03";
  folder.write("model_none.json", run_report_json(report));
  folder.write("report.json", R"({"runs": []})");
  const auto files = generated_files(folder.path(""));
  ASSERT_EQ(files.size(), 2U);
  EXPECT_NE(files[0].find("model_none.json"), std::string::npos);
  EXPECT_EQ(generated_files("x.sdf"), std::vector<std::string>{"x.sdf"});
}

TEST(GeneratedSet, ErrorsNameFileLineAndText) {
  const test::TemporaryFolder folder;
  const std::string lines =
      folder.write("bad.jsonl", "{\"record\":0,\"error\":\"x\"}\n{\"a\":1}\n");
  EXPECT_NE(error_of(lines).find("bad.jsonl:2"), std::string::npos);
  EXPECT_NE(error_of(lines).find("a"), std::string::npos);
  EXPECT_NE(error_of(folder.write("count.jsonl", "{\"record\":2.3e29,\"error\":\"x\"}\n"))
                .find("count.jsonl:1"),
            std::string::npos);
  EXPECT_NE(error_of(folder.path("none.jsonl")).find("no such file"), std::string::npos);
  EXPECT_NE(error_of(folder.write("empty.jsonl", "\n")).find("empty"), std::string::npos);
  EXPECT_NE(error_of(folder.write("text.txt", "hello")).find("hello"), std::string::npos);
}

}  // namespace
}  // namespace molgen3d
