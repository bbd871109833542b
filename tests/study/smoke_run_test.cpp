#include "study/smoke_run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "generation/prompt_stream.h"
#include "study/sample_check.h"

namespace molgen3d {
namespace {

std::shared_ptr<const Model> model() {
  static const auto loaded = load_model(find_model("qwen3-conformer"));
  return loaded;
}

Prompt prompt_of(const std::string& smiles, size_t index = 0) {
  InputRecord record;
  record.index = index;
  record.smiles = smiles;
  return make_prompt(record, "test:" + std::to_string(index + 1), {});
}

SmokeJob job_of(ConstraintRule rule, uint32_t samples = 1, bool audit = false) {
  RunSettings settings;
  settings.device = "cpu";
  settings.batch = 4;
  settings.threads = 1;
  settings.constraint = constraint_rule_name(rule);
  settings.geometry = "off";
  settings.sampling = "top_p_sampling1";
  settings.seed = 3;
  settings.samples = samples;
  settings.audit = audit;
  SmokeJob job{RunPlan(model(), settings)};
  job.prompts = {prompt_of("CCO", 0), prompt_of("not a smiles", 1), prompt_of("C[C@H](N)O", 2),
                 prompt_of("c1ccccc1", 3)};
  return job;
}

// The report without what depends on the clock.
nlohmann::json timeless(const RunReport& report) {
  auto json = nlohmann::json::parse(run_report_json(report));
  json.erase("time_taken");
  json.erase("time_split");
  json.erase("throughput_chars_per_sec");
  json["metadata"].erase("timestamp");
  return json;
}

TEST(SmokeRun, EveryRuleOnThreeMolecules) {
  for (const auto rule : {ConstraintRule::kExact, ConstraintRule::kGeneric, ConstraintRule::kQwen,
                          ConstraintRule::kAllowlist}) {
    const auto report = run_smoke(job_of(rule));
    ASSERT_TRUE(report);
    ASSERT_EQ(report->samples.size(), 3U);
    ASSERT_EQ(report->refused.size(), 1U);
    EXPECT_EQ(report->refused[0].source, "test:2");
    for (const SampleRecord& sample : report->samples) {
      EXPECT_TRUE(sample.ended) << constraint_rule_name(rule);
      if (rule != ConstraintRule::kExact) continue;
      EXPECT_TRUE(sample.passed());
      EXPECT_TRUE(sample.strict) << sample.strict_cause;
      EXPECT_EQ(sample.junk_non_numeric + sample.junk_letters, 0U);
    }
    EXPECT_GT(report->times.total, 0);
    EXPECT_GT(report->times.warm_up, 0);
    EXPECT_GE(report->times.total, report->times.in_parts() * 0.999);
  }
}

// What an interrupted run restores from its journal gives the same report, the audit included.
TEST(SmokeRun, ResumedGivesTheSameReport) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("molgen3d_smoke_" + std::to_string(::getpid()));
  const auto job_with = [&](Journal::Start start) {
    SmokeJob job = job_of(ConstraintRule::kAllowlist, 2, true);
    job.plan.journal = {path.string(), start, {{"run", "of this test"}}};
    job.warm_up = start == Journal::Start::kNew;
    return job;
  };
  const auto whole = run_smoke(job_with(Journal::Start::kNew));
  ASSERT_TRUE(whole);
  ASSERT_TRUE(whole->removed);
  EXPECT_EQ(whole->removed->samples, 6U);
  EXPECT_EQ(whole->samples[0].all_generations.size(), 2U);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(run_smoke(job_with(Journal::Start::kNew),
                         {.stop = [](size_t finished) { return finished >= 4; }}));
  ASSERT_TRUE(std::filesystem::exists(path));
  SmokeJob rest = job_with(Journal::Start::kResume);
  size_t restored = 0;
  bool journal_while_publishing = false;
  rest.begin = [&](const molgen3d::Run& run) { restored = run.restorable(); };
  rest.publish = [&](RunReport&) {
    return journal_while_publishing = std::filesystem::exists(path);
  };
  const auto resumed = run_smoke(std::move(rest));
  ASSERT_TRUE(resumed);
  EXPECT_GE(restored, 4U);
  EXPECT_TRUE(journal_while_publishing);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(timeless(*resumed), timeless(*whole));
}

TEST(SmokeRun, StopsWhenAsked) {
  EXPECT_FALSE(run_smoke(job_of(ConstraintRule::kExact), {.stop = [](size_t) { return true; }}));
}

TEST(DrawSample, DistinctSeededAndBounded) {
  const auto a = draw_sample(1000, 50, 1);
  EXPECT_EQ(std::set<size_t>(a.begin(), a.end()).size(), 50U);
  EXPECT_EQ(a, draw_sample(1000, 50, 1));
  EXPECT_NE(a, draw_sample(1000, 50, 2));
  EXPECT_EQ(draw_sample(3, 3, 9), (std::vector<size_t>{0, 1, 2}));
  EXPECT_THROW(draw_sample(3, 4, 0), Error);
}

SampleRecord checked(const std::string& smiles, const std::string& answer, bool ended = true) {
  Sample sample;
  sample.prompt = std::make_shared<const Prompt>(prompt_of(smiles));
  sample.completion.reason = ended ? FinishReason::kEndOfSequence : FinishReason::kLength;
  sample.completion.tokens = model()->tokenizer->encode(answer);
  return check_sample(*model(), sample, answer).record;
}

// One text per step between "fails" and "strict".
TEST(SampleCheck, Levels) {
  const SampleRecord strict = checked("CN", "[CONFORMER][C]<0,0,0>[N]<1.4,0,0>[/CONFORMER]");
  EXPECT_TRUE(strict.passed() && strict.text_kept && strict.strict);
  EXPECT_TRUE(strict.off_bonds.empty());
  const SampleRecord dot = checked("CN", "[CONFORMER][C]<0,0,0.>[N]<1.4,0,0>[/CONFORMER]");
  EXPECT_TRUE(dot.passed() && dot.text_kept);
  EXPECT_FALSE(dot.strict);
  const SampleRecord named = checked("CN", "[CONFORMER][C]<0,0,0>[NH2]<1.4,0,0>[/CONFORMER]");
  EXPECT_TRUE(named.passed());
  EXPECT_FALSE(named.text_kept || named.strict);
  const SampleRecord hidden = checked("CN", "[CONFORMER][C]<0,0,0\"1>[N]<1.4,0,0>[/CONFORMER]");
  EXPECT_TRUE(hidden.passed());
  EXPECT_FALSE(hidden.text_kept || hidden.strict);
  EXPECT_EQ(hidden.junk_non_numeric, 1U);
  const SampleRecord endless =
      checked("CN", "[CONFORMER][C]<0,0,0>[N]<1.4,0,0>[/CONFORMER]", false);
  EXPECT_TRUE(endless.passed());
  EXPECT_FALSE(endless.text_kept || endless.strict);
  const SampleRecord twice =
      checked("C", "[CONFORMER][C]<0,0,0>[/CONFORMER][CONFORMER][C]<0,0,0>[/CONFORMER]");
  EXPECT_TRUE(twice.passed());
  EXPECT_FALSE(twice.strict);
  const SampleRecord other = checked("CN", "[CONFORMER][C]<0,0,0>[O]<1.4,0,0>[/CONFORMER]");
  EXPECT_FALSE(other.passed() || other.text_kept || other.strict);
  const SampleRecord far = checked("CN", "[CONFORMER][C]<0,0,0>[N]<2.4,0,0>[/CONFORMER]");
  ASSERT_EQ(far.off_bonds.size(), 1U);
  EXPECT_TRUE(far.strict);
}

}  // namespace
}  // namespace molgen3d
