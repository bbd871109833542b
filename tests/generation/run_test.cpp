// A run as one object: order, what a stop or a failure leaves, resuming to the same samples.
#include "generation/run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "generation/run_identity.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kSmiles = {"CCO", "C1CC", "OC(=O)C", "CCCN"};
constexpr size_t kSamples = 8;  // of kSmiles, two each

const std::shared_ptr<const Model>& model() {
  static const auto loaded = load_model(find_model("llama-conformer-undertrained"));
  return loaded;
}

RunSettings settings_of(uint32_t batch = 2) {
  RunSettings settings;
  settings.device = "cpu";
  settings.geometry = "off";
  settings.sampling = "top_p_sampling1";
  settings.seed = 3;
  settings.samples = 2;
  settings.batch = batch;
  settings.threads = 1;
  return settings;
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Notes what it gets, and fails where it is told to.
struct Recorder : RunSink {
  void open() override {
    if (fails_to_open) throw Error("the output cannot be opened");
    opened = true;
  }
  Acceptance accept(const Sample& sample, Conformer& conformer) override {
    if (places.size() == fails_after) throw Error("the disk is full");
    places.emplace_back(sample.prompt->index, sample.index);
    texts.push_back(conformer.ok ? conformer.enriched : "failed: " + conformer.cause);
    return acceptance_of(conformer);
  }
  bool had_enough() const override { return places.size() >= enough; }
  bool finish(const RunOutcome& outcome) override {
    finished = true;
    journal_at_finish = fs::exists(journal);
    EXPECT_EQ(outcome.kept + outcome.dropped, places.size());
    return finishes;
  }
  void stop() override { stopped = true; }

  fs::path journal;
  bool fails_to_open = false, finishes = true;
  size_t fails_after = SIZE_MAX, enough = SIZE_MAX;
  bool opened = false, finished = false, stopped = false, journal_at_finish = false;
  std::vector<std::pair<uint64_t, uint32_t>> places;
  std::vector<std::string> texts;
};

class RunTest : public ::testing::Test {
 protected:
  RunTest()
      : folder_(fs::temp_directory_path() / ("molgen3d_run_" + std::to_string(::getpid()))),
        journal_(folder_ / "out.journal") {
    fs::create_directories(folder_);
    whole_ = texts_of_a_whole_run();
  }
  ~RunTest() override { fs::remove_all(folder_); }

  RunPlan plan(Journal::Start start, uint32_t batch = 2) const {
    RunPlan plan(model(), settings_of(batch));
    plan.source = smiles_source(kSmiles, plan.prompts);
    plan.journal = {journal_.string(), start, run_identity(plan)};
    return plan;
  }
  // What is left when `sink` or `control` end a first run early.
  RunOutcome first(Recorder& sink, const RunControl& control = {}) const {
    sink.journal = journal_;
    return molgen3d::Run(plan(Journal::Start::kNew), sink).go(control);
  }
  void resumes_to_the_whole() const {
    ASSERT_TRUE(fs::exists(journal_));
    Recorder sink;
    molgen3d::Run run(plan(Journal::Start::kResume, 3), sink);
    EXPECT_GT(run.restorable(), 0U);
    const RunOutcome outcome = run.go();
    EXPECT_TRUE(outcome.complete());
    EXPECT_EQ(outcome.statistics.restored, run.restorable());
    EXPECT_EQ(sink.texts, whole_);
    EXPECT_FALSE(fs::exists(journal_));
  }

  fs::path folder_, journal_;
  std::vector<std::string> whole_;

 private:
  std::vector<std::string> texts_of_a_whole_run() const {
    static const std::vector<std::string> texts = [&] {
      Recorder sink;
      RunPlan plan(model(), settings_of());
      plan.source = smiles_source(kSmiles, plan.prompts);
      EXPECT_TRUE(molgen3d::Run(std::move(plan), sink).go().complete());
      return sink.texts;
    }();
    return texts;
  }
};

TEST_F(RunTest, GivesEverySampleInOrderAndThenTheJournalGoes) {
  Recorder sink;
  const RunOutcome outcome = first(sink);
  ASSERT_EQ(sink.places.size(), kSamples);
  for (size_t i = 0; i < kSamples; ++i) {
    EXPECT_EQ(sink.places[i].first, i / 2);
    EXPECT_EQ(sink.places[i].second, i % 2);
    EXPECT_EQ(sink.texts[i].starts_with("failed: "), i / 2 == 1) << sink.texts[i];
  }
  EXPECT_TRUE(outcome.complete());
  EXPECT_EQ(outcome.kept, 6U);
  EXPECT_EQ(outcome.dropped, 2U);
  EXPECT_EQ(outcome.statistics.refused, 1U);
  EXPECT_TRUE(sink.finished && !sink.stopped && sink.journal_at_finish);
  EXPECT_FALSE(fs::exists(journal_));
  EXPECT_EQ(sink.texts, whole_);
}

TEST_F(RunTest, StoppedInTheMiddleIsResumedToTheSameSamples) {
  Recorder sink;
  size_t seen = 0;
  const RunOutcome outcome = first(sink, {.progress = [&](size_t finished) { seen = finished; },
                                          .stop = [](size_t finished) { return finished >= 3; }});
  EXPECT_EQ(outcome.end, RunEnd::kStopped);
  EXPECT_GE(seen, 3U);
  EXPECT_LT(seen, 6U);
  EXPECT_TRUE(sink.stopped && !sink.finished);
  // Nobody forgets what was done without being told to.
  Recorder other;
  EXPECT_THROW(molgen3d::Run(plan(Journal::Start::kNew), other), Error);
  EXPECT_FALSE(other.opened);
  resumes_to_the_whole();
}

TEST_F(RunTest, AFailureOfTheSinkKeepsTheJournal) {
  Recorder sink;
  sink.fails_after = 4;
  EXPECT_THROW(first(sink), Error);
  EXPECT_FALSE(sink.finished || sink.stopped);
  resumes_to_the_whole();
}

TEST_F(RunTest, ASinkThatHadEnoughEndsTheRun) {
  Recorder sink;
  sink.enough = 3;
  EXPECT_EQ(first(sink).end, RunEnd::kHadEnough);
  EXPECT_TRUE(sink.stopped && !sink.finished);
  resumes_to_the_whole();
}

TEST_F(RunTest, ASinkStoppedWhileItFinishesKeepsTheJournal) {
  Recorder sink;
  sink.finishes = false;
  EXPECT_EQ(first(sink).end, RunEnd::kStopped);
  resumes_to_the_whole();
}

TEST_F(RunTest, AnOutputThatCannotBeOpenedLeavesEverythingAsItWas) {
  Recorder sink;
  sink.fails_to_open = true;
  EXPECT_THROW(molgen3d::Run(plan(Journal::Start::kNew), sink), Error);
  EXPECT_TRUE(fs::is_empty(folder_));
  Recorder stopped;
  first(stopped, {.stop = [](size_t finished) { return finished >= 3; }});
  const std::string before = read(journal_);
  EXPECT_THROW(molgen3d::Run(plan(Journal::Start::kResume), sink), Error);
  EXPECT_EQ(read(journal_), before);
  resumes_to_the_whole();
}

TEST_F(RunTest, AnotherInputIsNotResumed) {
  for (const std::vector<std::string>& other :
       {std::vector<std::string>{"CCO"}, std::vector<std::string>{"CCO", "C1CC", "CC", "CCCN"}}) {
    Recorder sink;
    sink.enough = kSamples;
    first(sink);
    const std::string before = read(journal_);
    RunPlan changed = plan(Journal::Start::kResume);
    changed.source = smiles_source(other, changed.prompts);
    Recorder again;
    {
      molgen3d::Run run(std::move(changed), again);
      EXPECT_THROW(run.go(), Error);
    }
    EXPECT_FALSE(again.finished);
    EXPECT_TRUE(read(journal_).starts_with(before));
    fs::remove(journal_);
  }
}

TEST_F(RunTest, AWarmUpIsNoPartOfTheRun) {
  Recorder sink;
  molgen3d::Run run(plan(Journal::Start::kNew), sink);
  std::optional<Prompt> prompt = smiles_source({"CCCCC"}, run.plan().prompts)();
  ASSERT_TRUE(prompt);
  ASSERT_TRUE(run.warm_up(*prompt));
  EXPECT_TRUE(sink.places.empty());
  const RunOutcome outcome = run.go();
  EXPECT_EQ(outcome.statistics.prompts, kSmiles.size());
  EXPECT_EQ(outcome.statistics.engine.completions, 6U);
  EXPECT_EQ(sink.texts, whole_);
}

TEST(RunPlan, RefusesWordsItDoesNotKnow) {
  const auto refused = [](const char* word, const auto& change) {
    RunSettings settings = settings_of();
    change(settings);
    try {
      RunPlan(model(), settings);
      ADD_FAILURE() << word;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  };
  refused("dtype", [](RunSettings& s) { s.dtype = "float16"; });
  refused("kv_dtype", [](RunSettings& s) { s.kv_dtype = "fp4"; });
  refused("fp8", [](RunSettings& s) { s.kv_dtype = "fp8"; });
  refused("device", [](RunSettings& s) { s.device = "abacus"; });
  refused("magic", [](RunSettings& s) { s.constraint = "magic"; });
  refused("style", [](RunSettings& s) { s.prompt = "typed"; });
  refused("geometry", [](RunSettings& s) { s.geometry = "flat"; });
  refused("on-failure", [](RunSettings& s) { s.on_failure = "redraw"; });
}

TEST(Acceptance, FollowsTheWord) {
  EXPECT_EQ(acceptance_outside("fail"), Acceptance::kDrop);
  EXPECT_EQ(acceptance_outside("keep"), Acceptance::kKeep);
  EXPECT_EQ(acceptance_of({}), Acceptance::kDrop);
}

}  // namespace
}  // namespace molgen3d
