#include "study/run_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace molgen3d {
namespace {

RunReport example() {
  RunReport report;
  report.metadata.processor_type = "exact";
  report.metadata.label = "a run";
  report.metadata.seed = 18446744073709551615ULL;
  report.times.total = 1.0 / 3;
  SampleRecord bad;
  bad.prompt_smiles = "CC";
  bad.decoded_text = "[SMILES]CC[/SMILES][CONFORMER][C]<0,0,0>\xc3\x85";
  bad.issues = {"missing [CONFORMER] block"};
  SampleRecord good;
  good.prompt_smiles = "C";
  good.decoded_text = "[SMILES]C[/SMILES][CONFORMER][C]<0,0,0>[/CONFORMER]";
  good.has_conformer = good.same_graph = good.strict = good.text_kept = good.ended = true;
  good.blocks = 1;
  good.log_kept_mass = -0.1;
  good.raw_log_probability = -12.25;
  good.stereo = StereoVerdict{};
  good.bonds_checked = true;
  good.off_bonds = {{0, 1, 2.5F, 1.5F}};
  report.samples = {bad, good, bad};
  report.refused = {{"f.smi:2", "x", "cause"}};
  report.coordinates = TokenStatistics{};
  report.coordinates->drift_in_context.add(-1, 7);
  report.removed = RemovedMass{};
  report.removed->by_position.resize(2);
  report.removed->by_role[3].add(0.5);
  report.references = {{"C", {{1, 2, 3}}}};
  return report;
}

TEST(RunReport, ReadsBackWhatItWrote) {
  const std::string text = run_report_json(example());
  const RunReport back = parse_run_report(text, "memory");
  EXPECT_EQ(run_report_json(back), text);
  ASSERT_EQ(back.samples.size(), 3U);
  EXPECT_FALSE(back.samples[0].passed());
  EXPECT_TRUE(back.samples[1].passed());
  EXPECT_EQ(back.samples[1].off_bonds[0].length, 2.5F);
  EXPECT_EQ(back.metadata.seed, 18446744073709551615ULL);
  EXPECT_EQ(back.times.total, 1.0 / 3);
  EXPECT_EQ(back.references[0].second[0].z, 3);
}

// Position rules can leave half a character behind.
TEST(RunReport, InvalidUtf8DoesNotCostTheReport) {
  RunReport report = example();
  report.samples[0].decoded_text = "[SMILES]CC[/SMILES][CONFORMER]\xff";
  const RunReport back = parse_run_report(run_report_json(report), "memory");
  EXPECT_EQ(back.samples[0].decoded_text, "[SMILES]CC[/SMILES][CONFORMER]\xEF\xBF\xBD");
}

TEST(RunReport, HasTheStudysFields) {
  const auto json = nlohmann::json::parse(run_report_json(example()));
  for (const char* name :
       {"version", "processor_type", "timestamp", "model_alias", "model_step", "model_path",
        "tokenizer_name", "tokenizer_path", "logit_processor_enabled", "sampling", "batch_size",
        "sample_size", "num_generations", "total_generations", "kv_cache", "attention"})
    EXPECT_TRUE(json.at("metadata").contains(name)) << name;
  for (const char* name :
       {"time_taken", "throughput_chars_per_sec", "total_chars_raw", "total_chars_clean"})
    EXPECT_TRUE(json.at(name).is_number()) << name;
  EXPECT_EQ(json.at("num_passed"), 1);
  EXPECT_EQ(json.at("num_failed"), 2);
  EXPECT_EQ(json.at("summary").at("total_passes"), 1);
  for (const char* name : {"prompt_smiles", "generated_smiles", "smiles_exact_match",
                           "has_real_coordinates", "parse_success", "decoded_text"})
    EXPECT_TRUE(json.at("passes")[0].contains(name)) << name;
  for (const char* name :
       {"prompt_smiles", "issues", "decoded_text", "generation_has_same_molecular_graph"})
    EXPECT_TRUE(json.at("failures")[0].contains(name)) << name;
  EXPECT_EQ(json.at("total_chars_clean").get<size_t>(),
            json.at("total_chars_raw").get<size_t>() -
                3 * std::string("[SMILES][/SMILES][CONFORMER]").size() -
                std::string("[/CONFORMER]").size());
}

// A report as the study's own runner wrote it.
TEST(RunReport, ReadsTheStudysReports) {
  const RunReport report = parse_run_report(
      R"({"metadata":{"version":"v3.8","processor_type":"qwen","model_alias":"m600_qwen_pre",
          "logit_processor_enabled":true,"batch_size":32},
          "time_taken":500.82,
          "passes":[{"prompt_smiles":"CC","generated_smiles":"CC","smiles_exact_match":true,
            "has_real_coordinates":true,"parse_success":true,
            "decoded_text":"[SMILES]CC[/SMILES][CONFORMER][C]<0,0,0>[C]<1,0,0.5204\"1>[/CONFORMER]"}],
          "failures":[{"prompt_smiles":"C","issues":["SMILES block mismatch"],"decoded_text":"x",
            "generation_has_same_molecular_graph":"NO_CONFORMER_BLOCK"}]})",
      "study.json");
  ASSERT_EQ(report.samples.size(), 2U);
  EXPECT_EQ(report.passed(), 1U);
  EXPECT_EQ(report.samples[0].blocks, 2U);
  EXPECT_EQ(report.samples[0].junk_non_numeric, 1U);
  EXPECT_FALSE(report.samples[1].has_conformer);
  EXPECT_DOUBLE_EQ(report.times.total, 500.82);
}

TEST(RunReport, BadFilesGiveOneClearError) {
  for (const char* text : {"", "[]", "{}", "{\"passes\":1,\"failures\":2}",
                           "{\"passes\":[],\"failures\":[{\"issues\":3}]}",
                           "{\"passes\":[],\"failures\":[],\"metadata\":{\"seed\":2.3e29}}",
                           "{\"passes\":[{\"blocks\":-1,\"junk\":{}}],\"failures\":[]}",
                           "{\"passes\":[{}],\"failures\":[],\"order\":[1e300]}",
                           "{\"passes\":[],\"failures\":[],\"coordinates\":{\"tokens_as_written\":"
                           "{\"x\":1},\"drift_isolated\":{},\"drift_in_context\":{}}}"}) {
    try {
      parse_run_report(text, "bad.json");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).rfind("bad.json: ", 0), 0U) << error.what();
    }
  }
}

}  // namespace
}  // namespace molgen3d
