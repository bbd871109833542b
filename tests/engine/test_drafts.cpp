// Drafts change the passes and nothing else: the law of the answers is the model's, whatever drafts
// are drawn from, and what is learnt of the draws makes more of them agree.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "constraint/template_program.h"
#include "engine/bond_law.h"
#include "engine/draft_book.h"
#include "engine/engine.h"
#include "engine/pass_cost.h"
#include "testing/reference_backend.h"
#include "tests/engine/tiny_model.h"

namespace molgen3d::test {
namespace {

constexpr TokenId kFirst = 10, kEnd = 2;

/// One literal token, `digits` tokens of `choices` each, one literal token, the end.
std::shared_ptr<const TemplateProgram> numbers(uint32_t digits, TokenId choices) {
  auto holes = std::make_shared<HoleTables>();
  for (uint32_t digit = 0; digit < digits; ++digit) {
    holes->row_begin.push_back(static_cast<uint32_t>(holes->edge_token.size()));
    for (TokenId i = 0; i < choices; ++i) {
      holes->edge_token.push_back(kFirst + i);
      holes->edge_next.push_back(digit + 1);
    }
  }
  holes->row_begin.push_back(static_cast<uint32_t>(holes->edge_token.size()));
  holes->edge_token.push_back(41);
  holes->edge_next.push_back(HoleTables::kLeaveHole);
  holes->row_begin.push_back(static_cast<uint32_t>(holes->edge_token.size()));
  auto program = std::make_shared<TemplateProgram>();
  program->literal_tokens = {40, 41, kEnd};
  program->segments = {{0, 1, 0}, {1, 2, 0}};
  program->holes = holes;
  auto reachable = std::make_shared<std::vector<TokenId>>();
  for (TokenId i = 0; i < choices; ++i) reachable->push_back(kFirst + i);
  program->reachable_ids = reachable;
  program->min_token_count = program->max_token_count = digits + 3;
  return program;
}

struct Decoded {
  std::map<uint32_t, Completion> answers;
  EngineStatistics statistics;
  DraftCounts drafts;
};

Decoded decode(std::shared_ptr<const Constraint> constraint, std::optional<uint32_t> drafts,
               uint32_t samples, uint32_t slots, SamplingParams sampling = {}) {
  const auto checkpoint = tiny_model();
  Engine engine(make_reference_backend(checkpoint,
                                       {.slots = slots, .kv_tokens = slots * 64, .drafts = drafts}),
                checkpoint->config(), {.seed = 8, .sampling = sampling});
  Request request;
  request.item = 4;
  request.samples = samples;
  request.prompt = random_prompt(5, 9, checkpoint->config().vocabulary);
  request.constraint = std::move(constraint);
  engine.submit(std::move(request));
  Decoded run;
  while (engine.step([&](Completion&& c) {
    const uint32_t sample = c.sample;
    run.answers[sample] = std::move(c);
  })) {
  }
  run.statistics = engine.statistics();
  run.drafts = engine.backend().drafts();
  return run;
}

TEST(Drafts, AnswersAreThoseWithout) {
  const auto program = numbers(12, 10);
  for (const bool greedy : {false, true}) {
    SamplingParams sampling;
    sampling.greedy = greedy;
    const Decoded off = decode(program, 0, 24, 5, sampling);
    EXPECT_EQ(off.drafts.verified, 0U);
    for (uint32_t drafts = 1; drafts <= 9; ++drafts) {
      const Decoded run = decode(program, drafts == 9 ? std::nullopt : std::optional(drafts), 24,
                                 drafts % 2 == 0 ? 1 : 7, sampling);
      for (const auto& [sample, expected] : off.answers) {
        const Completion& answer = run.answers.at(sample);
        EXPECT_EQ(answer.error, "");
        EXPECT_EQ(answer.tokens, expected.tokens) << drafts << " drafts, sample " << sample;
        EXPECT_EQ(answer.masked_log_probability, expected.masked_log_probability);
        EXPECT_EQ(answer.sampled_tokens, expected.sampled_tokens);
        EXPECT_EQ(answer.forced_tokens, expected.forced_tokens);
      }
      if (drafts == 9) continue;  // whether they pay is the machine's affair
      EXPECT_GT(run.drafts.verified, 0U);
      EXPECT_LT(run.statistics.sequence_passes, off.statistics.sequence_passes);
      // Each kept draft spares a pass, but for the last token, which needs none.
      EXPECT_LE(off.statistics.sequence_passes - run.statistics.sequence_passes, run.drafts.kept);
    }
  }
}

// All 16 answers and their probabilities, which the engine gives itself; they sum to one.
TEST(Drafts, LawIsTheModels) {
  constexpr uint32_t kSamples = 4000;
  const Decoded run = decode(numbers(2, 4), 2, kSamples, 16);
  std::map<std::vector<TokenId>, double> probability, count;
  for (const auto& [sample, answer] : run.answers) {
    probability[answer.tokens] = std::exp(answer.masked_log_probability);
    ++count[answer.tokens];
  }
  ASSERT_EQ(probability.size(), 16U);
  double sum = 0, chi_square = 0;
  for (const auto& [tokens, p] : probability) {
    sum += p;
    const double expected = p * kSamples;
    chi_square += (count[tokens] - expected) * (count[tokens] - expected) / expected;
  }
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_LT(chi_square, 37.7) << "15 degrees of freedom: 1 in 1,000";
  EXPECT_GT(run.drafts.kept, 0U);
  EXPECT_LT(run.drafts.kept, run.drafts.verified);
}

TEST(Drafts, NoneForStatesOfManyTokens) {
  const Decoded run = decode(numbers(3, kDraftChoices + 1), 8, 6, 2);
  EXPECT_EQ(run.drafts.verified, 0U);
  for (const auto& [sample, answer] : run.answers) EXPECT_EQ(answer.error, "");
}

TEST(DraftBook, LearnsWhatWasDrawn) {
  DraftBook book(nullptr);
  const auto program = numbers(2, 4);
  ASSERT_TRUE(book.open(*program));
  EXPECT_FLOAT_EQ(book.chance(0), 0.5F);
  const std::vector<float> shares = {0, 0, 1, 0};
  for (int i = 0; i < 98; ++i) book.learn(0, shares, kFirst + 2, kFirst + 2);
  EXPECT_FLOAT_EQ(book.chance(0), 0.99F);
  EXPECT_FLOAT_EQ(book.chance(1), 0.5F) << "another state";
  SamplingParams greedy;
  greedy.greedy = true;
  EXPECT_EQ(book.draw(0, greedy, 1, 1, {}, {}), kFirst + 2);
  book.learn(1, shares, -1, kFirst + 2);
  EXPECT_FLOAT_EQ(book.chance(1), 0.5F) << "there was no draft to compare";
}

TEST(DraftBook, KeepsWhatItLearntWhileTheAutomatonGrows) {
  DraftBook book(nullptr);
  const auto first = numbers(2, 4);
  ASSERT_TRUE(book.open(*first));
  const std::vector<float> shares = {1, 0, 0, 0};
  book.learn(0, shares, kFirst, kFirst);
  const float chance = book.chance(0);
  TemplateProgram grown = *first;
  auto tables = std::make_shared<HoleTables>(*first->holes);
  tables->edge_token.push_back(50);
  tables->edge_next.push_back(0);
  tables->row_begin.push_back(static_cast<uint32_t>(tables->edge_token.size()));
  grown.holes = tables;
  EXPECT_TRUE(book.open(grown));
  EXPECT_EQ(book.chance(0), chance);
  EXPECT_TRUE(book.open(*first)) << "compiled before it grew";
  EXPECT_FALSE(book.open(*numbers(3, 5))) << "another automaton";
}

TEST(DraftChain, AddsWhatPays) {
  DraftGate gate{.window = 8, .base_rows = 3};
  DraftChain chain(gate, 1);
  EXPECT_FALSE(chain.add(0.2F)) << "0.2 x 4 rows < 1 token";
  EXPECT_TRUE(chain.add(0.5F)) << "0.5 x 4 rows > 1 token";
  EXPECT_FALSE(chain.add(0.5F)) << "0.25 x 5 rows < 1.5 tokens";
  EXPECT_TRUE(chain.add(0.7F)) << "0.35 x 5 rows > 1.5 tokens";
  gate.tile = 2;
  gate.tile_cost = 2;
  DraftChain tiles(gate, 2);
  EXPECT_FALSE(tiles.add(0.55F)) << "0.55 x 5 rows < 3, a tile more";
  const DraftGate always{.window = 8, .base_rows = kEveryDraftPays};
  DraftChain open(always, 1);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(open.add(0.01F));
}

TEST(PassCost, FindsBaseAndRow) {
  PassCost cost;
  EXPECT_EQ(cost.base_rows(1.5), 1.5) << "nothing seen";
  for (int i = 0; i < 40; ++i) cost.add(4, 7);
  EXPECT_EQ(cost.base_rows(1.5), 1.5) << "all alike";
  for (int i = 0; i < 400; ++i) cost.add(1 + i % 5, 3 + (1 + i % 5));
  EXPECT_NEAR(cost.base_rows(1.5), 3, 0.05);
}

/// Weights of the characters that may come next, with `number` read so far.
float weight_after(const std::string& block, geometry::TokenText next, const BondLaw& bond) {
  geometry::NumberText numbers;
  numbers.comma_decides_sign = 1;
  geometry::ReaderState reader;
  const auto text_of = [](char c) {
    const int code = c == '.'   ? geometry::kDot
                     : c == ',' ? geometry::kComma
                     : c == '-' ? geometry::kMinus
                     : c == '<' ? geometry::kOpen
                                : c - '0';
    return static_cast<geometry::TokenText>(1 | code << 4);
  };
  for (const char c : block) geometry::read_token(reader, text_of(c), numbers);
  return bond.weight(reader, next, numbers);
}

TEST(BondLaw, FollowsTheShell) {
  const auto digit = [](int d) { return static_cast<geometry::TokenText>(1 | d << 4); };
  BondLaw bond;
  bond.set({20000, 10000, -5000});  // (2, 1, -0.5)
  // x of an atom 1.45 A away: 0.55 .. 3.45.
  EXPECT_GT(weight_after("<", digit(2), bond), weight_after("<", digit(0), bond));
  EXPECT_GT(weight_after("<", digit(2), bond), weight_after("<", digit(3), bond));
  EXPECT_EQ(weight_after("<", digit(5), bond), 0);
  // At x = 3.4, 1.4 of 1.45 are used up: y is near 1.
  EXPECT_GT(weight_after("<3.4,", digit(1), bond) + weight_after("<3.4,", digit(0), bond), 0.95F);
  // At x = 2 and y = 1 all of it is in z: -1.95 or 0.95.
  const float below = weight_after("<2.0,1.0,-1.", digit(9), bond);
  EXPECT_GT(below, 0.2F);
  EXPECT_EQ(weight_after("<2.0,1.0,-1.", digit(2), bond), 0);
  // Later decimals and the middle of an integer part are for the state's own law.
  EXPECT_LT(weight_after("<2.1", digit(1), bond), 0);
  EXPECT_LT(weight_after("<2", digit(1), bond), 0);
  EXPECT_LT(weight_after("<2", static_cast<geometry::TokenText>(1 | geometry::kDot << 4), bond), 0);
}

}  // namespace
}  // namespace molgen3d::test
