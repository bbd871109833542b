// The two promises, on the shipped checkpoints: whatever valid text a model writes by itself, the
// constrained run writes too, token for token; and every model, trained or not, gives a valid
// answer under the constraint.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "engine/backend.h"
#include "generation/conformer.h"
#include "generation/generator.h"
#include "generation/prompt_stream.h"
#include "molecule/verdict.h"
#include "testing/checkpoint_writer.h"
#include "testing/random_weights.h"

namespace molgen3d {
namespace {

const std::string kSource = MOLGEN3D_SOURCE_DIR;

// The examples that ship; MOLGEN3D_TEST_MOLECULES names a longer list, MOLGEN3D_TEST_LIMIT cuts it.
std::string molecules() {
  const char* path = std::getenv("MOLGEN3D_TEST_MOLECULES");
  return path != nullptr ? path : kSource + "/examples/drugs.smi";
}
size_t limit() {
  const char* text = std::getenv("MOLGEN3D_TEST_LIMIT");
  return text != nullptr ? std::strtoul(text, nullptr, 10) : 0;
}

struct Outcome {
  std::vector<Sample> samples;
  std::vector<Conformer> conformers;
  EngineStatistics statistics;
};

struct Settings {
  ConstraintRule rule = ConstraintRule::kExact;
  float temperature = 1;
  uint32_t samples = 4;
  bool merge = true;
  DataType compute = DataType::kBFloat16;
};

Outcome generate(const std::shared_ptr<const Model>& model, const Settings& settings) {
  BackendOptions backend;
  backend.slots = 32;
  backend.compute = settings.compute;
  backend.merge_forced_runs = settings.merge;
  backend.end_of_sequence = model->end_of_sequence;
  GenerationOptions options;
  options.rule = settings.rule;
  options.sampling.temperature = settings.temperature;
  options.seed = 11;
  options.samples = settings.samples;
  Generator generator(model, make_cpu_backend(model->checkpoint, backend), options);
  PromptStream prompts({molecules()}, {.reader = {}, .prompt = {}, .limit = limit()});
  Outcome run;
  GenerationCallbacks callbacks;
  callbacks.next = [&] { return prompts.next(); };
  callbacks.deliver = [&](std::span<const Sample> samples) {
    for (const Sample& sample : samples) {
      run.conformers.push_back(read_conformer(*model, sample));
      run.samples.push_back(sample);
    }
  };
  EXPECT_TRUE(generator.run(callbacks));
  run.statistics = generator.statistics().engine;
  return run;
}

std::shared_ptr<const Model> shipped(const std::string& name) {
  return load_model(find_model(name));
}

TEST(Harmless, ValidFreeAnswersAreReproducedTokenForToken) {
  const auto model = shipped("qwen3-conformer");
  const Outcome free = generate(model, {.rule = ConstraintRule::kNone});
  const Outcome exact = generate(model, {.rule = ConstraintRule::kExact});
  ASSERT_EQ(free.samples.size(), exact.samples.size());
  size_t valid = 0;
  size_t same = 0;
  for (size_t i = 0; i < free.samples.size(); ++i) {
    EXPECT_TRUE(exact.conformers[i].ok) << exact.conformers[i].cause;
    if (!free.conformers[i].ok) continue;
    // A valid text in tokens that the tokenizer itself would not give is not what the model was
    // trained on, and the constraint excludes it.
    const auto canonical = model->tokenizer->encode(free.conformers[i].text);
    const auto& tokens = free.samples[i].completion.tokens;
    if (!std::equal(canonical.begin(), canonical.end(), tokens.begin(), tokens.end() - 1)) continue;
    ++valid;
    same += tokens == exact.samples[i].completion.tokens;
  }
  std::printf("%zu free samples, %zu valid, %zu of these reproduced\n", free.samples.size(), valid,
              same);
  EXPECT_EQ(same, valid);
  EXPECT_GT(valid, free.samples.size() / 2)
      << "too few valid samples for the test to mean something";
}

TEST(Harmless, MergingForcedRunsChangesNothingButThePasses) {
  const auto model = shipped("qwen3-conformer");
  const Outcome merged = generate(model, {.samples = 1});
  const Outcome single = generate(model, {.samples = 1, .merge = false});
  ASSERT_EQ(merged.samples.size(), single.samples.size());
  for (size_t i = 0; i < merged.samples.size(); ++i) {
    EXPECT_EQ(merged.samples[i].completion.tokens, single.samples[i].completion.tokens);
  }
  EXPECT_LT(merged.statistics.sequence_passes, single.statistics.sequence_passes);
}

void expect_all_valid(const Outcome& run) {
  for (const Conformer& conformer : run.conformers) {
    EXPECT_TRUE(conformer.ok) << conformer.cause << ": " << conformer.text;
    const JunkCount junk = count_junk(conformer.enriched);
    EXPECT_EQ(junk.letters + junk.non_numeric, 0U);
  }
}

TEST(Exact, UndertrainedModelGivesOnlyValidAnswers) {
  expect_all_valid(generate(shipped("llama-conformer-undertrained"), {.samples = 2}));
}

// Random weights under the real tokenizers, hot: what comes out is still the molecule that went in.
TEST(Exact, RandomWeightsGiveOnlyValidAnswers) {
  for (const std::string name : {"qwen3-conformer", "llama-conformer-undertrained"}) {
    const auto trained = shipped(name);
    ModelConfig config = trained->checkpoint->config();
    config.layers = 2;
    auto model = std::make_shared<Model>(*trained);
    model->checkpoint = random_checkpoint(config, 5, DataType::kBFloat16);
    const auto folder = std::filesystem::temp_directory_path() / ("molgen3d_random_" + name);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    write_checkpoint(folder, *model->checkpoint);
    for (const char* file : {"tokenizer.json", "conformer_format.json", "generation_config.json"}) {
      std::filesystem::copy_file(find_model(name) / file, folder / file,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    const auto random = load_model(folder);
    for (const float temperature : {0.5F, 1.0F, 10.0F}) {
      expect_all_valid(generate(random, {.temperature = temperature, .samples = 1}));
    }
    std::filesystem::remove_all(folder);
  }
}

}  // namespace
}  // namespace molgen3d
