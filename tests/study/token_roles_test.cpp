#include "study/token_roles.h"

#include <gtest/gtest.h>

#include "generation/model.h"
#include "study/token_statistics.h"

namespace molgen3d {
namespace {

TEST(TokenRoles, FollowsAnAnswer) {
  const auto model = load_model(find_model("qwen3-conformer"));
  const std::string text = "[CONFORMER][C]<-1.2034,0.5,12>[O]<0,0,-0.1>[/CONFORMER]";
  std::vector<TokenId> tokens = model->tokenizer->encode(text);
  tokens.push_back(model->end_of_sequence.front());
  const auto places = place_tokens(*model->tokenizer, tokens, model->end_of_sequence);
  std::map<TokenRole, size_t> counts;
  for (const PlacedToken& place : places) ++counts[place.role];
  EXPECT_EQ(counts[TokenRole::kOpen], 2U);
  EXPECT_EQ(counts[TokenRole::kSign] + counts[TokenRole::kSeparator], 5U);  // `,-` is one token
  EXPECT_EQ(counts[TokenRole::kInteger], 7U);
  EXPECT_EQ(counts[TokenRole::kDot], 3U);
  EXPECT_EQ(counts[TokenRole::kDecimal1], 3U);
  EXPECT_EQ(counts[TokenRole::kDecimal4], 1U);
  EXPECT_EQ(counts[TokenRole::kClose], 2U);
  EXPECT_EQ(counts[TokenRole::kOther], 0U);
  EXPECT_EQ(places.back().role, TokenRole::kEnd);
  EXPECT_EQ(places.back().begin, text.size());
  EXPECT_EQ(places.back().block, 2U);
}

TEST(TokenStatistics, CountsWhatWasWritten) {
  const auto model = load_model(find_model("qwen3-conformer"));
  const std::string text = "[CONFORMER][C]<-1.2034,0.5,12>[O]<0,0,0>[/CONFORMER]";
  std::vector<TokenId> tokens = model->tokenizer->encode(text);
  tokens.push_back(model->end_of_sequence.front());
  TokenStatistics sum;
  sum.add(*model->tokenizer, tokens, text);
  EXPECT_EQ(sum.written.counts, (std::map<int, size_t>{{5, 1}, {14, 1}}));
  EXPECT_EQ(sum.drift_in_context.counts, (std::map<int, size_t>{{6, 1}, {15, 1}}));
}

}  // namespace
}  // namespace molgen3d
