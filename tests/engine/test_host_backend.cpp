// What comes out must not depend on how it is computed: batch, order, merging, gathering, sharing.
#include "engine/host_backend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "engine/engine.h"
#include "engine/tiny_model.h"
#include "testing/random_weights.h"
#include "testing/reference_backend.h"
#include "testing/reference_operations.h"

namespace molgen3d::test {
namespace {

using Key = std::pair<uint64_t, uint32_t>;  // tag, sample

struct Decoding {
  BackendOptions backend{.slots = 7, .kv_tokens = 4096, .end_of_sequence = {TinyTemplate::kEnd}};
  EngineOptions engine{.seed = 11};
  bool reversed = false;
};

/// Six prompts, some with several samples, constrained and free ones mixed.
std::vector<Request> requests(int vocabulary) {
  std::vector<Request> list;
  for (uint32_t i = 0; i < 6; ++i) {
    Request request;
    request.item = request.tag = 100 + i;
    request.samples = i % 3 == 0 ? 3 : 1;
    request.prompt = random_prompt(i, 3 + 17 * i, vocabulary);
    if (i != 4) request.constraint = std::make_shared<TinyTemplate>(2 + i % 3, 4);
    if (i == 4) request.max_new_tokens = 25;
    list.push_back(std::move(request));
  }
  return list;
}

std::map<Key, Completion> decode(const std::shared_ptr<const Checkpoint>& checkpoint,
                                 const Decoding& setup, EngineStatistics* statistics = nullptr) {
  Engine engine(make_reference_backend(checkpoint, setup.backend), checkpoint->config(),
                setup.engine);
  auto list = requests(checkpoint->config().vocabulary);
  if (setup.reversed) std::reverse(list.begin(), list.end());
  for (Request& request : list) engine.submit(std::move(request));
  std::map<Key, Completion> results;
  const auto done = [&](Completion&& c) { results[{c.tag, c.sample}] = std::move(c); };
  while (engine.step(done)) {
  }
  if (statistics != nullptr) *statistics = engine.statistics();
  return results;
}

void expect_same(const std::map<Key, Completion>& a, const std::map<Key, Completion>& b) {
  ASSERT_EQ(a.size(), 10U);
  ASSERT_EQ(b.size(), a.size());
  for (const auto& [key, completion] : a) {
    const Completion& other = b.at(key);
    EXPECT_EQ(other.error, completion.error);
    EXPECT_EQ(other.tokens, completion.tokens) << "item " << key.first << " sample " << key.second;
    EXPECT_EQ(other.reason, completion.reason);
    EXPECT_EQ(other.sampled_tokens, completion.sampled_tokens);
    EXPECT_EQ(other.forced_tokens, completion.forced_tokens);
    EXPECT_EQ(other.masked_log_probability, completion.masked_log_probability);
  }
}

class HostBackendTest : public testing::Test {
 protected:
  std::shared_ptr<const Checkpoint> checkpoint_ = tiny_model();
  std::map<Key, Completion> expected_ = decode(checkpoint_, {});
};

TEST_F(HostBackendTest, AnswersFollowTheTemplate) {
  for (const auto& [key, completion] : expected_) {
    EXPECT_EQ(completion.error, "");
    EXPECT_EQ(completion.sampled_tokens + completion.forced_tokens, completion.tokens.size());
    EXPECT_TRUE(std::isnan(completion.raw_log_probability));
    if (key.first == 104) continue;  // free
    EXPECT_EQ(completion.reason, FinishReason::kEndOfSequence);
    EXPECT_EQ(completion.tokens.back(), TinyTemplate::kEnd);
    EXPECT_EQ(completion.tokens.front(), TinyTemplate::kLiteral);
    const TinyTemplate constraint(2 + (key.first - 100) % 3, 4);
    ConstraintState state = constraint.start();
    for (const TokenId token : completion.tokens) {
      const Choices choices = constraint.choices(state);
      const bool legal =
          choices.kind == Choices::Kind::kForced
              ? token == choices.forced
              : std::binary_search(choices.listed.begin(), choices.listed.end(), token);
      ASSERT_TRUE(legal);
      state = constraint.advance(state, token);
    }
    EXPECT_TRUE(constraint.finished(state));
  }
  EXPECT_NE(expected_.at({100, 0}).tokens, expected_.at({100, 1}).tokens) << "samples differ";
}

TEST_F(HostBackendTest, SameForAnyBatch) {
  for (const uint32_t slots : {1U, 2U, 32U}) {
    Decoding setup;
    setup.backend.slots = slots;
    expect_same(expected_, decode(checkpoint_, setup));
  }
}

TEST_F(HostBackendTest, SameForAnyOrder) {
  Decoding setup;
  setup.reversed = true;
  setup.backend.slots = 2;
  expect_same(expected_, decode(checkpoint_, setup));
}

TEST_F(HostBackendTest, SameInAScarceCache) {
  Decoding setup;
  setup.backend.kv_tokens = 144;
  expect_same(expected_, decode(checkpoint_, setup));
}

TEST_F(HostBackendTest, SameWithoutGathering) {
  Decoding setup;
  setup.backend.gather_output = false;
  expect_same(expected_, decode(checkpoint_, setup));
}

TEST_F(HostBackendTest, SameWithoutSharedPromptPages) {
  Decoding setup;
  EngineStatistics shared, unshared;
  decode(checkpoint_, setup, &shared);
  setup.engine.share_prompt = false;
  expect_same(expected_, decode(checkpoint_, setup, &unshared));
  // Item 103 has 54 prompt tokens: 3 whole pages, spared twice.
  EXPECT_EQ(unshared.prompt_tokens - shared.prompt_tokens, 2U * 3 * kPageTokens);
}

TEST_F(HostBackendTest, MergingForcedRunsSparesPasses) {
  Decoding setup;
  setup.backend.merge_forced_runs = false;
  const auto unmerged = decode(checkpoint_, setup);
  expect_same(expected_, unmerged);
  for (const auto& [key, completion] : expected_) {
    if (key.first == 104) continue;
    // The prompt's pass takes the opening run along and gives the first sampled token; each one but
    // the last then costs a pass, with the run after it. What follows the last one costs none.
    EXPECT_EQ(completion.passes, completion.sampled_tokens - 1);
    const auto& tokens = completion.tokens;
    const bool forced_end = tokens[tokens.size() - 5] >= TinyTemplate::kFirstDigit &&
                            tokens[tokens.size() - 5] < TinyTemplate::kLiteral;
    EXPECT_EQ(unmerged.at(key).passes, tokens.size() - 1 - (forced_end ? 1 : 0));
  }
}

TEST_F(HostBackendTest, AuditSeesEveryTokenAndChangesNone) {
  Decoding setup;
  setup.backend.audit = true;
  auto audited = decode(checkpoint_, setup);
  expect_same(expected_, audited);
  for (const bool merge : {true, false}) {
    setup.backend.merge_forced_runs = merge;
    setup.backend.slots = 3;
    const auto again = decode(checkpoint_, setup);
    for (const auto& [key, completion] : audited) {
      EXPECT_EQ(again.at(key).raw_log_probability, completion.raw_log_probability);
    }
  }
  for (const auto& [key, completion] : audited) {
    ASSERT_EQ(completion.audit.size(), completion.tokens.size());
    double raw = 0;
    for (const auto& token : completion.audit) {
      EXPECT_GT(token.kept_mass, 0);
      EXPECT_LE(token.kept_mass, 1);
      EXPECT_GE(token.favourite_log_probability, token.raw_log_probability);
      raw += static_cast<double>(token.raw_log_probability);
    }
    EXPECT_NEAR(completion.raw_log_probability, raw, 1e-3);
    // p(answer) = W x p(answer | legal): the three log-probabilities must close.
    EXPECT_NEAR(completion.raw_log_probability,
                completion.log_kept_mass + completion.masked_log_probability, 1e-4);
    if (key.first == 104) {
      EXPECT_NEAR(completion.log_kept_mass, 0, 1e-12);
    }
  }
}

// More prompt rows than a pass holds: chunks, and samples that wait for their shared pages.
TEST(LongPrompts, SameInChunks) {
  const auto checkpoint = tiny_model();
  const auto run = [&](uint32_t slots, bool share) {
    Engine engine(make_reference_backend(checkpoint, {.slots = slots, .kv_tokens = 4096}),
                  checkpoint->config(), {.seed = 3, .share_prompt = share});
    for (uint32_t i = 0; i < 3; ++i) {
      Request request;
      request.item = request.tag = i;
      request.samples = 3;
      request.prompt = random_prompt(i, 190 + i, checkpoint->config().vocabulary);
      request.constraint = std::make_shared<TinyTemplate>(2, 3);
      engine.submit(std::move(request));
    }
    std::map<Key, std::vector<TokenId>> answers;
    while (engine.step([&](Completion&& c) { answers[{c.tag, c.sample}] = std::move(c.tokens); })) {
    }
    return answers;
  };
  const auto expected = run(1, false);
  ASSERT_EQ(expected.size(), 9U);
  EXPECT_EQ(run(9, true), expected);
  EXPECT_EQ(run(9, false), expected);
  EXPECT_EQ(run(2, true), expected);
}

// Shared prompt pages whose writer is cancelled before it filled them are computed by the next
// user.
TEST(LongPrompts, SurviveTheirCancelledWriter) {
  const auto checkpoint = tiny_model();
  const auto prompt = random_prompt(5, 250, checkpoint->config().vocabulary);
  const auto other = random_prompt(6, 250, checkpoint->config().vocabulary);
  const auto constraint = std::make_shared<TinyTemplate>(1, 2);
  const auto run = [&](bool cancel) {
    const auto backend = make_reference_backend(checkpoint, {.slots = 3, .kv_tokens = 1024});
    std::vector<uint32_t> pages(17), follower(17), others(17);
    for (uint32_t i = 0; i < 17; ++i) {
      pages[i] = i;
      follower[i] = i < 15 ? i : 40 + i;
      others[i] = 20 + i;
    }
    SequenceStart start;
    start.constraint = constraint;
    start.noise_key = 9;
    start.max_new_tokens = 6;
    start.prompt = other;  // takes most of the first pass, so that the writer is not done after it
    start.pages = others;
    backend->start(start);
    start.slot = 1;
    start.prompt = prompt;
    start.pages = pages;
    backend->start(start);
    start.slot = 2;
    start.pages = follower;
    start.cached_tokens = 15 * kPageTokens;
    backend->start(start);
    std::vector<SlotProgress> finished;
    backend->run(finished, nullptr);
    EXPECT_TRUE(finished.empty());
    if (cancel) backend->cancel(1);
    for (int i = 0; i < 50 && finished.size() < (cancel ? 2U : 3U); ++i) {
      backend->run(finished, nullptr);
    }
    for (const SlotProgress& progress : finished) {
      if (progress.slot == 2) return progress.result.tokens;
    }
    return std::vector<TokenId>();
  };
  const auto expected = run(false);
  EXPECT_GE(expected.size(), 5U);
  EXPECT_EQ(run(true), expected);
}

// The answer of a free run that happens to be valid is the constrained answer.
TEST(Harmless, ValidFreeSamplesAreReproduced) {
  // Seven ids only, so that random answers are often valid: literal and digits fall on them.
  class TwoWords : public Constraint {  // (3|4)(3|4|5) then the end, 0
   public:
    ConstraintState start() const override { return {}; }
    Choices choices(ConstraintState state) const override {
      Choices c;
      c.kind = state.node == 2 ? Choices::Kind::kForced : Choices::Kind::kListed;
      c.forced = 0;
      c.listed = state.node == 0 ? std::span(first_) : std::span(second_);
      return c;
    }
    ConstraintState advance(ConstraintState s, TokenId) const override { return {0, s.node + 1}; }
    bool finished(ConstraintState s) const override { return s.node == 3; }
    size_t min_tokens() const override { return 3; }
    size_t max_tokens() const override { return 3; }
    std::span<const TokenId> reachable() const override { return second_; }

   private:
    std::vector<TokenId> first_ = {3, 4}, second_ = {3, 4, 5};
  };
  ModelConfig config = tiny_config(ModelConfig::Architecture::kQwen3, 64, 1);
  config.vocabulary = 7;
  const auto checkpoint = random_checkpoint(config, 3, DataType::kFloat32);
  const auto run = [&](const std::shared_ptr<const Constraint>& constraint) {
    Engine engine(make_reference_backend(checkpoint,
                                         {.slots = 64, .kv_tokens = 8192, .end_of_sequence = {0}}),
                  config, {.seed = 4});
    Request request;
    request.item = 1;
    request.samples = 600;
    request.prompt = {1, 2, 6, 2};
    request.max_new_tokens = 3;
    request.constraint = constraint;
    engine.submit(request);
    std::map<uint32_t, std::vector<TokenId>> answers;
    while (engine.step([&](Completion&& c) { answers[c.sample] = std::move(c.tokens); })) {
    }
    return answers;
  };
  const auto free = run(nullptr);
  const auto constrained = run(std::make_shared<TwoWords>());
  int valid = 0;
  for (const auto& [sample, tokens] : free) {
    const bool is_valid = tokens.size() == 3 && (tokens[0] == 3 || tokens[0] == 4) &&
                          tokens[1] >= 3 && tokens[1] <= 5 && tokens[2] == 0;
    if (!is_valid) continue;
    ++valid;
    EXPECT_EQ(constrained.at(sample), tokens);
  }
  EXPECT_GE(valid, 3);
}

/// Spoils the logits of one sequence, known by its first page.
class Spoiled : public ReferenceOperations {
 public:
  Spoiled(const Checkpoint& checkpoint, size_t pages, TokenId marker)
      : ReferenceOperations(checkpoint, pages), marker_(marker) {}
  void embed(const Pass& pass) override {
    spoiled_.clear();
    for (const PassSequence& s : pass.sequences) {
      if (s.first_position == 0) marked_[s.pages[0]] = pass.tokens[s.first_row] == marker_;
      for (uint32_t i = 0; i < s.rows; ++i) {
        if (marked_[s.pages[0]] && s.first_position > 12) spoiled_.push_back(s.first_row + i);
      }
    }
    ReferenceOperations::embed(pass);
  }
  void output(std::span<const uint32_t> rows, std::span<const TokenId> ids,
              std::span<float> logits) override {
    ReferenceOperations::output(rows, ids, logits);
    const size_t width = logits.size() / rows.size();
    for (size_t r = 0; r < rows.size(); ++r) {
      if (std::find(spoiled_.begin(), spoiled_.end(), rows[r]) == spoiled_.end()) continue;
      for (size_t c = 0; c < width; ++c) {
        logits[r * width + c] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  }

 private:
  TokenId marker_;
  std::map<uint32_t, bool> marked_;
  std::vector<uint32_t> spoiled_;
};

TEST(Failure, StaysInItsSequence) {
  const auto checkpoint = tiny_model();
  constexpr TokenId kMarker = 99;
  const auto run = [&](bool spoil) {
    const BackendOptions options{.slots = 4, .kv_tokens = 1024};
    MemoryPlan plan;
    plan.slots = 4;
    plan.pages = 64;
    std::unique_ptr<Operations> operations;
    if (spoil) {
      operations = std::make_unique<Spoiled>(*checkpoint, 64, kMarker);
    } else {
      operations = std::make_unique<ReferenceOperations>(*checkpoint, 64);
    }
    Engine engine(make_host_backend(std::move(operations), plan, options, "test"),
                  checkpoint->config(), {.seed = 2});
    for (uint32_t i = 0; i < 6; ++i) {
      Request request;
      request.item = request.tag = i;
      request.prompt = {i == 1 ? kMarker : 5, 6, static_cast<TokenId>(i)};
      request.constraint = std::make_shared<TinyTemplate>(3, 4);
      engine.submit(std::move(request));
    }
    std::map<uint64_t, Completion> results;
    while (engine.step([&](Completion&& c) { results[c.tag] = std::move(c); })) {
    }
    EXPECT_EQ(engine.statistics().failures, spoil ? 1U : 0U);
    return results;
  };
  const auto good = run(false), bad = run(true);
  ASSERT_EQ(bad.size(), 6U);
  for (const auto& [tag, completion] : bad) {
    if (tag != 1) {
      EXPECT_EQ(completion.tokens, good.at(tag).tokens);
      continue;
    }
    EXPECT_EQ(completion.reason, FinishReason::kFailed);
    EXPECT_NE(completion.error.find("not finite"), std::string::npos) << completion.error;
    ASSERT_LT(completion.tokens.size(), good.at(1).tokens.size());
    EXPECT_TRUE(
        std::equal(completion.tokens.begin(), completion.tokens.end(), good.at(1).tokens.begin()))
        << "what was decoded before is kept";
  }
}

}  // namespace
}  // namespace molgen3d::test
