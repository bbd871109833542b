// Admission, bounds, streaming, cancellation.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "engine/tiny_model.h"
#include "testing/reference_backend.h"

namespace molgen3d::test {
namespace {

class EngineTest : public testing::Test {
 protected:
  Engine engine(uint32_t slots, size_t kv_tokens, size_t window = 1024) {
    EngineOptions options;
    options.window = window;
    return Engine(make_reference_backend(checkpoint_, {.slots = slots,
                                                       .kv_tokens = kv_tokens,
                                                       .end_of_sequence = {TinyTemplate::kEnd}}),
                  checkpoint_->config(), options);
  }
  Request request(uint64_t tag, size_t prompt, uint32_t holes, uint32_t digits = 3) const {
    Request request;
    request.item = request.tag = tag;
    request.prompt = random_prompt(tag, prompt, checkpoint_->config().vocabulary);
    if (holes > 0) request.constraint = std::make_shared<TinyTemplate>(holes, digits);
    return request;
  }
  std::shared_ptr<const Checkpoint> checkpoint_ = tiny_model();
};

std::map<uint64_t, Completion> drain(Engine& engine) {
  std::map<uint64_t, Completion> results;
  while (engine.step([&](Completion&& c) { results[c.tag] = std::move(c); })) {
  }
  return results;
}

TEST_F(EngineTest, WhatCanNeverFitFailsAtOnceAndSaysWhy) {
  Engine small = engine(2, 64);
  small.submit(request(1, 30, 9));   // at least 37 tokens
  small.submit(request(2, 300, 1));  // beyond the context
  Request free = request(3, 10, 0);
  free.max_new_tokens = 60;
  small.submit(free);
  Request foreign = request(4, 3, 1);
  foreign.prompt[1] = 131;
  small.submit(foreign);
  Request empty = request(5, 0, 1);
  small.submit(empty);
  small.submit(request(6, 20, 2));
  const auto results = drain(small);
  ASSERT_EQ(results.size(), 6U);
  for (uint64_t tag = 1; tag <= 5; ++tag) {
    EXPECT_EQ(results.at(tag).reason, FinishReason::kFailed);
    EXPECT_TRUE(results.at(tag).tokens.empty());
  }
  EXPECT_EQ(results.at(1).error,
            "prompt of 30 tokens and answer of at least 37 need 67, but the cache holds 64");
  EXPECT_NE(results.at(2).error.find("300"), std::string::npos);
  EXPECT_NE(results.at(3).error.find("70, but the cache holds 64"), std::string::npos);
  EXPECT_EQ(results.at(4).error, "the prompt holds token id 131, but the model has 131 ids");
  EXPECT_EQ(results.at(5).error, "the prompt is empty");
  EXPECT_EQ(results.at(6).reason, FinishReason::kEndOfSequence);
}

TEST_F(EngineTest, ContextIsNamedWhenItIsTheLimit) {
  Engine large = engine(1, 4096);
  large.submit(request(1, 250, 3));
  EXPECT_EQ(drain(large).at(1).error,
            "prompt of 250 tokens and answer of at least 13 need 263, but the context holds 256");
}

// Worst case beyond the context, best case within: it runs, and says so if it had to stop.
TEST_F(EngineTest, LongBoundRunsToWhatTheContextLeaves) {
  Engine large = engine(1, 4096);
  large.submit(request(1, 240, 2, 60));
  const Completion result = drain(large).at(1);
  EXPECT_EQ(result.reason, FinishReason::kLength);
  EXPECT_EQ(result.tokens.size(), 16U);
}

TEST_F(EngineTest, FreeDecodingStopsAtItsLimit) {
  Engine plain = engine(2, 512);
  Request free = request(1, 5, 0);
  free.max_new_tokens = 3;
  plain.submit(free);
  const Completion result = drain(plain).at(1);
  EXPECT_LE(result.tokens.size(), 3U);
  if (result.tokens.back() != TinyTemplate::kEnd) {
    EXPECT_EQ(result.reason, FinishReason::kLength);
  }
}

TEST_F(EngineTest, LongestFirst) {
  Engine one = engine(1, 512);
  one.submit(request(1, 4, 1));
  one.submit(request(2, 4, 5));
  one.submit(request(3, 4, 3));
  std::vector<uint64_t> order;
  while (one.step([&](Completion&& c) { order.push_back(c.tag); })) {
  }
  EXPECT_EQ(order, (std::vector<uint64_t>{2, 3, 1}));
}

TEST_F(EngineTest, StreamsLazilyAndLetsNobodyWaitForever) {
  constexpr size_t kWindow = 8, kRequests = 200;
  Engine streaming = engine(4, 1024, kWindow);
  size_t pulled = 0, finished = 0, most_ahead = 0;
  std::vector<size_t> finished_when(kRequests);
  streaming.run(
      [&]() -> std::optional<Request> {
        if (pulled == kRequests) return std::nullopt;
        most_ahead = std::max(most_ahead, pulled - finished);
        // One short request among long ones: it must not be pushed to the end.
        const size_t tag = pulled++;
        return request(tag, 3, tag == 2 ? 1 : 3);
      },
      [&](Completion&& c) { finished_when[c.tag] = finished++; });
  EXPECT_EQ(finished, kRequests);
  EXPECT_LE(most_ahead, kWindow + 4);
  for (size_t i = 0; i < kRequests; ++i) EXPECT_LE(finished_when[i], i + 3 * kWindow);
  EXPECT_EQ(streaming.statistics().most_sequences, 4U);
}

TEST_F(EngineTest, SharedPromptsNeverBlockTheCache) {
  // Each request needs nearly the whole cache; the second is longer and comes while the first holds
  // its prompt pages.
  Engine tight = engine(4, 128);
  Request many = request(1, 64, 2);
  many.samples = 5;
  tight.submit(many);
  std::map<uint64_t, int> count;
  const auto done = [&](Completion&& c) {
    EXPECT_EQ(c.error, "");
    ++count[c.tag];
  };
  tight.step(done);
  tight.submit(request(2, 80, 7));
  while (tight.step(done)) {
  }
  EXPECT_EQ(count[1], 5);
  EXPECT_EQ(count[2], 1);
}

TEST_F(EngineTest, CancelAnswersEverythingSubmitted) {
  Engine busy = engine(2, 512, 4);
  size_t pulled = 0;
  std::map<FinishReason, int> reasons;
  busy.run(
      [&]() -> std::optional<Request> {
        Request next = request(pulled++, 20, 3);
        next.samples = 2;
        return next;  // endless
      },
      [&](Completion&& c) {
        ++reasons[c.reason];
        if (reasons[FinishReason::kEndOfSequence] == 5) busy.cancel();
      });
  EXPECT_GE(reasons[FinishReason::kEndOfSequence], 5);
  EXPECT_GT(reasons[FinishReason::kCancelled], 0);
  EXPECT_EQ(static_cast<size_t>(reasons[FinishReason::kEndOfSequence] +
                                reasons[FinishReason::kCancelled]),
            2 * pulled);
}

// Requests with settings of their own in one batch are what each is alone.
TEST_F(EngineTest, SamplingAndSeedOfOneRequestAlone) {
  Request own = request(1, 9, 6);
  own.seed = 77;
  own.sampling = SamplingParams{.greedy = false, .temperature = 0.5F, .top_k = 3};
  Request greedy = request(2, 9, 6);
  greedy.sampling = SamplingParams{.greedy = true};
  Request bad = request(4, 9, 6);
  bad.sampling = SamplingParams{.greedy = false, .temperature = -1};
  Engine mixed = engine(4, 4096);
  for (const Request& each : {own, greedy, request(3, 9, 6), bad}) mixed.submit(each);
  const auto together = drain(mixed);
  EXPECT_EQ(together.at(4).reason, FinishReason::kFailed);
  EXPECT_NE(together.at(4).error.find("-1"), std::string::npos);

  Engine seeded(
      make_reference_backend(
          checkpoint_, {.slots = 1, .kv_tokens = 4096, .end_of_sequence = {TinyTemplate::kEnd}}),
      checkpoint_->config(), {.seed = 77, .sampling = *own.sampling});
  seeded.submit(request(1, 9, 6));
  EXPECT_EQ(drain(seeded).at(1).tokens, together.at(1).tokens);
  Engine plain = engine(1, 4096);
  plain.submit(request(1, 9, 6));
  plain.submit(request(3, 9, 6));
  const auto alone = drain(plain);
  EXPECT_NE(alone.at(1).tokens, together.at(1).tokens);
  EXPECT_EQ(alone.at(3).tokens, together.at(3).tokens);
}

TEST_F(EngineTest, OneRequestIsCancelledAndTheOthersGoOn) {
  Engine shared = engine(2, 4096);
  Request many = request(1, 40, 8);  // shares whole prompt pages
  many.samples = 5;
  shared.submit(many);
  shared.submit(request(2, 9, 6));
  shared.submit(request(3, 9, 6));
  std::map<uint64_t, size_t> cancelled;
  std::map<uint64_t, Completion> finished;
  const auto done = [&](Completion&& c) {
    if (c.reason == FinishReason::kCancelled) {
      ++cancelled[c.tag];
    } else {
      finished[c.tag] = std::move(c);
    }
  };
  shared.step(done);
  shared.cancel_request(1, done);
  shared.cancel_request(3, done);  // waits
  shared.cancel_request(9, done);  // nobody's
  EXPECT_EQ(cancelled, (std::map<uint64_t, size_t>{{1, 5}, {3, 1}}));
  while (shared.step(done)) {
  }
  ASSERT_EQ(finished.size(), 1U);
  Engine alone = engine(1, 4096);
  alone.submit(request(2, 9, 6));
  EXPECT_EQ(drain(alone).at(2).tokens, finished.at(2).tokens);
  // All pages and slots are free again.
  many.tag = 4;
  shared.submit(many);
  EXPECT_EQ(drain(shared).at(4).reason, FinishReason::kEndOfSequence);
}

TEST_F(EngineTest, ALookShowsWhatIsWritten) {
  Engine one = engine(1, 512);
  one.submit(request(1, 5, 4));
  std::vector<TokenId> seen;
  Completion result;
  while (one.step([&](Completion&& c) { result = std::move(c); })) {
    one.look([&](uint64_t tag, uint32_t sample, std::span<const TokenId> tokens) {
      EXPECT_EQ(std::pair(tag, sample), std::pair(uint64_t{1}, 0U));
      EXPECT_GE(tokens.size(), seen.size());
      seen.assign(tokens.begin(), tokens.end());
    });
  }
  ASSERT_FALSE(seen.empty());
  ASSERT_LE(seen.size(), result.tokens.size());
  EXPECT_TRUE(std::equal(seen.begin(), seen.end(), result.tokens.begin()));
}

TEST_F(EngineTest, StatisticsAddUp) {
  Engine counting = engine(4, 1024);
  for (uint64_t tag = 0; tag < 9; ++tag) counting.submit(request(tag, 10 + tag, 2));
  uint64_t tokens = 0;
  while (counting.step([&](Completion&& c) { tokens += c.tokens.size(); })) {
  }
  const EngineStatistics statistics = counting.statistics();
  EXPECT_EQ(statistics.completions, 9U);
  EXPECT_EQ(statistics.prompt_tokens, 9U * 10 + 36);
  EXPECT_EQ(statistics.sampled_tokens + statistics.forced_tokens, tokens);
  EXPECT_GT(statistics.phases[Phase::kPrefill], 0);
  EXPECT_GT(statistics.phases[Phase::kDecode], 0);
  EXPECT_GT(statistics.phases[Phase::kOutput], 0);
  EXPECT_GT(statistics.phases[Phase::kSample], 0);
}

TEST_F(EngineTest, BadSamplingIsRefused) {
  EngineOptions options;
  options.sampling.temperature = -1;
  EXPECT_THROW(Engine(make_reference_backend(checkpoint_, {.slots = 1, .kv_tokens = 64}),
                      checkpoint_->config(), options),
               Error);
}

}  // namespace
}  // namespace molgen3d::test
