#include "study/diagnosis.h"

#include <gtest/gtest.h>

#include <cmath>

#include "generation/model.h"

namespace molgen3d {
namespace {

TEST(RankCorrelation, KnownValues) {
  EXPECT_DOUBLE_EQ(rank_correlation({{1, 10}, {2, 100}, {3, 1000}}), 1);
  EXPECT_DOUBLE_EQ(rank_correlation({{1, 3}, {2, 2}, {3, 1}}), -1);
  // scipy.stats.spearmanr([1,2,2,3],[1,3,2,4]) = 0.9486832980505138
  EXPECT_NEAR(rank_correlation({{1, 1}, {2, 3}, {2, 2}, {3, 4}}), 0.9486832980505138, 1e-12);
  EXPECT_TRUE(std::isnan(rank_correlation({{1, 1}, {2, 2}})));
  EXPECT_TRUE(std::isnan(rank_correlation({{1, 1}, {1, 2}, {1, 3}})));
}

TEST(Diagnoser, CountsWhatARuleImposed) {
  const auto model = load_model(find_model("qwen3-conformer"));
  const TokenId one = *model->tokenizer->token_id("1");
  const TokenId two = *model->tokenizer->token_id("2");
  Completion completion;
  completion.tokens = {one, one};
  completion.audit = {{-0.1F, 1.0F, one, -0.1F}, {-5.0F, 0.25F, two, -0.5F}};
  SampleCheck check;
  check.places = place_tokens(*model->tokenizer, completion.tokens, model->end_of_sequence);
  Diagnoser diagnoser(*model->tokenizer);
  diagnoser.add(completion, check);
  const Diagnosis diagnosis = diagnoser.take(5);
  const TokenDiagnosis& literal = diagnosis.by_role[static_cast<size_t>(TokenRole::kLiteral)];
  EXPECT_EQ(literal.tokens, 2U);
  EXPECT_EQ(literal.favourite, 1U);
  EXPECT_NEAR(literal.removed, std::log(4), 1e-6);
  ASSERT_EQ(diagnosis.disagreements.size(), 1U);
  EXPECT_EQ(diagnosis.disagreements[0].favourite, "2");
  EXPECT_NEAR(diagnosis.disagreements[0].gap, 4.5, 1e-6);
}

}  // namespace
}  // namespace molgen3d
