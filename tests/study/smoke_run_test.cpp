#include "study/smoke_run.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "generation/journal_record.h"
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

SmokeJob job_of(ConstraintRule rule) {
  SmokeJob job;
  job.model = model();
  job.prompts = {prompt_of("CCO", 0), prompt_of("not a smiles", 1), prompt_of("C[C@H](N)O", 2),
                 prompt_of("c1ccccc1", 3)};
  job.generation.rule = rule;
  job.generation.sampling.temperature = 1;
  job.generation.seed = 3;
  job.threads = 1;
  return job;
}

std::unique_ptr<Backend> backend(bool audit = false) {
  BackendOptions options;
  options.slots = 4;
  options.threads = 1;
  options.audit = audit;
  options.end_of_sequence = model()->end_of_sequence;
  return make_cpu_backend(model()->checkpoint, options);
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
    const auto report = run_smoke(job_of(rule), backend());
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
TEST(SmokeRun, RestoredSamplesGiveTheSameReport) {
  std::vector<std::string> lines;
  SmokeJob job = job_of(ConstraintRule::kAllowlist);
  job.generation.samples = 2;
  job.finished = [&](const Sample& sample) { lines.push_back(journal_line(sample)); };
  const auto whole = run_smoke(job, backend(true));
  ASSERT_TRUE(whole);
  ASSERT_TRUE(whole->removed);
  EXPECT_EQ(whole->removed->samples, 6U);
  EXPECT_EQ(whole->samples[0].all_generations.size(), 2U);
  ASSERT_EQ(lines.size(), 6U);
  lines.resize(4);
  const SampleBounds bounds = sample_bounds(*job.model, job.generation.samples, /*audit=*/true);
  const FinishedSamples restored(lines, bounds, "journal");
  SmokeJob rest = job_of(ConstraintRule::kAllowlist);
  rest.generation.samples = 2;
  rest.warm_up = false;
  rest.restore = [&](const Prompt& prompt, uint32_t sample) {
    return restored.find(prompt, sample);
  };
  const auto resumed = run_smoke(rest, backend(true));
  ASSERT_TRUE(resumed);
  EXPECT_EQ(timeless(*resumed), timeless(*whole));
}

TEST(SmokeRun, StopsWhenAsked) {
  SmokeJob job = job_of(ConstraintRule::kExact);
  job.stop = [] { return true; };
  EXPECT_FALSE(run_smoke(job, backend()));
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
