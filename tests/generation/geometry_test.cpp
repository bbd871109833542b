// The hard set in whole runs: what comes out satisfies it, what satisfied it anyway is the same,
// and nothing depends on the batch.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "engine/backend.h"
#include "generation/conformer.h"
#include "generation/generator.h"
#include "generation/journal_record.h"
#include "generation/prompt_stream.h"
#include "geometry/check.h"
#include "molecule/hard_set.h"
#include "testing/checkpoint_writer.h"

namespace molgen3d {
namespace {

/// Centres, rings, E/Z, a meso compound, cis and trans on a ring, a salt, a nitro group.
const std::vector<std::string> kMolecules = {"C[C@H](N)C(=O)O",
                                             "O=C(O)[C@H](O)[C@@H](O)C(=O)O",
                                             "C[C@H]1CC[C@@H](C)CC1",
                                             "C/C=C/C(=O)Nc1ccc([N+](=O)[O-])cc1",
                                             "C[C@@H]1CC[C@H]([C@@H](C)O)C1",
                                             "CC[NH+](CC)CC.[Cl-]",
                                             "CC(=O)Oc1ccccc1C(=O)O"};

struct Settings {
  geometry::Level level = geometry::Level::kFull;
  uint32_t samples = 4;
  uint32_t batch = 32;
  double budget = 8;
  bool keep = false;
  bool audit = false;
};

std::vector<Sample> run(const std::shared_ptr<const Model>& model, const Settings& settings) {
  BackendOptions backend;
  backend.slots = settings.batch;
  backend.end_of_sequence = model->end_of_sequence;
  backend.audit = settings.audit;
  GenerationOptions options;
  options.seed = 5;
  options.samples = settings.samples;
  options.geometry = settings.level;
  options.geometry_budget = settings.budget;
  options.keep_outside = settings.keep;
  Generator generator(model, make_cpu_backend(model->checkpoint, backend), options);
  size_t next = 0;
  std::vector<Sample> out;
  GenerationCallbacks callbacks;
  callbacks.next = [&]() -> std::optional<Prompt> {
    if (next == kMolecules.size()) return std::nullopt;
    InputRecord record;
    record.index = next;
    record.smiles = kMolecules[next++];
    return make_prompt(record, "test", {.text_template = {}, .geometry = geometry::Level::kFull});
  };
  callbacks.deliver = [&](std::span<const Sample> samples) {
    out.insert(out.end(), samples.begin(), samples.end());
  };
  EXPECT_TRUE(generator.run(callbacks));
  return out;
}

/// The first fault of a finished sample against the whole hard set.
geometry::Fault fault_of(const Sample& sample, const Conformer& conformer, bool full) {
  const Prompt& prompt = *sample.prompt;
  const auto at = positions_of(to_text_order(prompt.text_template, conformer.coordinates));
  return geometry::first_fault(prompt.hard_set->view(), at.data(), full);
}

std::shared_ptr<const Model> shipped() {
  static const auto model = load_model(find_model("qwen3-conformer"));
  return model;
}

TEST(Geometry, FinishedSamplesSatisfyTheSetAndRightOnesAreTheSame) {
  const std::vector<Sample> off = run(shipped(), {.level = geometry::Level::kOff});
  const std::vector<Sample> full = run(shipped(), {});
  ASSERT_EQ(off.size(), full.size());
  size_t right = 0, same = 0, finished = 0;
  for (size_t i = 0; i < off.size(); ++i) {
    const Conformer before = read_conformer(*shipped(), off[i]);
    const Conformer after = read_conformer(*shipped(), full[i]);
    ASSERT_TRUE(before.ok);
    if (after.ok) {
      ++finished;
      EXPECT_TRUE(full[i].completion.geometry.satisfied);
      EXPECT_EQ(fault_of(full[i], after, true), geometry::Fault::kNone) << after.text;
      EXPECT_TRUE(after.stereo.all_matched()) << after.text;
    } else {
      EXPECT_EQ(after.cause.rfind("geometry: ", 0), 0U) << after.cause;
    }
    if (fault_of(off[i], before, true) != geometry::Fault::kNone) continue;
    ++right;
    same += off[i].completion.tokens == full[i].completion.tokens;
    EXPECT_EQ(off[i].completion.masked_log_probability, full[i].completion.masked_log_probability);
  }
  std::printf("%zu samples, %zu finished; %zu were right without, %zu of these the same\n",
              full.size(), finished, right, same);
  EXPECT_EQ(same, right);
  EXPECT_GT(right, off.size() / 10) << "too few for the test to mean something";
  EXPECT_LT(right, off.size());
  EXPECT_EQ(finished, full.size()) << "a sample with a witness always ends";
}

TEST(Geometry, StereoAloneIsRight) {
  for (const Sample& sample : run(shipped(), {.level = geometry::Level::kStereo, .samples = 2})) {
    const Conformer conformer = read_conformer(*shipped(), sample);
    EXPECT_TRUE(conformer.ok) << conformer.cause;
    EXPECT_TRUE(conformer.stereo.all_matched()) << conformer.text;
  }
}

TEST(Geometry, NothingDependsOnTheBatch) {
  const std::vector<Sample> one = run(shipped(), {.samples = 2, .batch = 1});
  for (const uint32_t batch : {7U, 32U}) {
    const std::vector<Sample> other = run(shipped(), {.samples = 2, .batch = batch});
    ASSERT_EQ(one.size(), other.size());
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(one[i].completion.tokens, other[i].completion.tokens);
      EXPECT_EQ(one[i].completion.masked_log_probability,
                other[i].completion.masked_log_probability);
      EXPECT_EQ(one[i].completion.geometry.thrown_tokens,
                other[i].completion.geometry.thrown_tokens);
    }
  }
}

TEST(Geometry, AModelThatKnowsNothingIsRightToo) {
  const auto model = load_model(find_model("llama-conformer-undertrained"));
  int32_t helped = 0;
  for (const Sample& sample : run(model, {.samples = 2})) {
    const Conformer conformer = read_conformer(*model, sample);
    EXPECT_TRUE(conformer.ok) << conformer.cause;
    EXPECT_EQ(fault_of(sample, conformer, true), geometry::Fault::kNone);
    const geometry::Outcome& outcome = sample.completion.geometry;
    helped += outcome.set_blocks + outcome.masked_blocks;
  }
  EXPECT_GT(helped, 0) << "too good for the test to mean something";
}

TEST(Geometry, ASpentBudgetNamesItsCause) {
  const auto model = load_model(find_model("llama-conformer-undertrained"));
  size_t failed = 0;
  for (const Sample& sample : run(model, {.samples = 1, .budget = 0.5})) {
    const Conformer conformer = read_conformer(*model, sample);
    if (conformer.ok) {
      EXPECT_EQ(fault_of(sample, conformer, true), geometry::Fault::kNone);
    } else {
      ++failed;
      EXPECT_NE(conformer.cause.find("attempts"), std::string::npos) << conformer.cause;
    }
  }
  EXPECT_GT(failed, 0U);
}

TEST(Geometry, KeepWritesEverySampleAndMarksIt) {
  const auto model = load_model(find_model("llama-conformer-undertrained"));
  size_t outside = 0;
  for (const Sample& sample : run(model, {.samples = 1, .budget = 0, .keep = true})) {
    const Conformer conformer = read_conformer(*model, sample);
    EXPECT_TRUE(conformer.ok) << conformer.cause;
    const bool right = fault_of(sample, conformer, true) == geometry::Fault::kNone;
    if (sample.completion.geometry.satisfied) {
      EXPECT_TRUE(right);
    } else {
      ++outside;
    }
  }
  EXPECT_GT(outside, 0U);
}

TEST(Geometry, AuditSaysWhatMasksKeptOfEachAtom) {
  size_t masked = 0;
  for (const Sample& sample : run(shipped(), {.samples = 2, .audit = true})) {
    const Completion& done = sample.completion;
    ASSERT_TRUE(done.geometry.satisfied);
    ASSERT_EQ(done.log_kept_by_atom.size(), sample.prompt->text_template.atom_of_input.size());
    double sum = 0;
    int32_t below = 0;
    for (const double kept : done.log_kept_by_atom) {
      EXPECT_LE(kept, 0);
      sum += kept;
      below += kept < 0;
    }
    EXPECT_NEAR(sum, done.geometry.log_kept, 1e-9);
    // A mask may have left everything that was legal.
    EXPECT_LE(below, done.geometry.masked_blocks + done.geometry.set_blocks);
    masked += static_cast<size_t>(below);
  }
  EXPECT_GT(masked, 0U);
}

TEST(Geometry, OutcomesSurviveTheJournal) {
  const std::vector<Sample> samples = run(shipped(), {.samples = 1, .audit = true});
  for (const Sample& sample : samples) {
    const FinishedSamples journal({journal_line(sample)}, sample_bounds(*shipped(), 1, true),
                                  "journal");
    const auto back = journal.find(*sample.prompt, 0);
    ASSERT_TRUE(back);
    const geometry::Outcome &a = sample.completion.geometry, &b = back->geometry;
    EXPECT_TRUE(b.checked);
    EXPECT_EQ(a.satisfied, b.satisfied);
    EXPECT_EQ(a.redraws, b.redraws);
    EXPECT_EQ(a.returns, b.returns);
    EXPECT_EQ(a.reflections, b.reflections);
    EXPECT_EQ(a.set_blocks, b.set_blocks);
    EXPECT_EQ(a.thrown_tokens, b.thrown_tokens);
    EXPECT_EQ(a.log_kept, b.log_kept);
    EXPECT_EQ(a.fault_atom, b.fault_atom);
    EXPECT_EQ(sample.completion.log_kept_by_atom, back->log_kept_by_atom);
  }
}

}  // namespace
}  // namespace molgen3d
