// The study's tokenization table, figure by figure.
#include "constraint/token_budget.h"

#include <gtest/gtest.h>

#include "constraint/test_tokenizers.h"

namespace molgen3d {
namespace {

struct Row {
  const char* triple;
  size_t qwen;
  int qwen_drift;
  size_t llama;
  int llama_drift;
};
constexpr Row kStudy[] = {
    {"0.0000,0.0000,0.0000", 22, 0, 16, 0},   {"0.5,1.2,0.3", 13, 9, 13, 3},
    {"-1.0,2.5,-0.7", 13, 9, 13, 3},          {"1.234,-2.345,0.987", 19, 3, 13, 3},
    {"-3.14,2.71,-1.61", 16, 6, 13, 3},       {"12.345,-23.456,34.567", 22, 0, 13, 3},
    {"-1.2345,0.9876,-5.4321", 22, 0, 16, 0},
};
constexpr const char* kTemplate = "[C]<0.0000,0.0000,0.0000>=[O]<0.0000,0.0000,0.0000>";

void check(const Tokenizer& qwen, const Tokenizer& llama) {
  for (const Row& row : kStudy) {
    SCOPED_TRACE(row.triple);
    const TripleCost q = triple_cost(qwen, row.triple);
    EXPECT_EQ(q.isolated, row.qwen);
    EXPECT_EQ(q.drift_isolated, row.qwen_drift);
    const TripleCost l = triple_cost(llama, row.triple);
    EXPECT_EQ(l.isolated, row.llama);
    EXPECT_EQ(l.drift_isolated, row.llama_drift);
  }
  const std::vector<TokenUse> q = list_tokens(qwen, kTemplate);
  EXPECT_EQ(q.size(), 47U);
  EXPECT_EQ(count_free(q), 40U);
  const std::vector<TokenUse> l = list_tokens(llama, kTemplate);
  EXPECT_EQ(l.size(), 35U);
  EXPECT_EQ(count_free(l), 28U);
}

// The small tokenizers share the real ones' digit rules and the pairs `]<`, `<-`, `,-`.
TEST(TokenBudget, TableOfTheStudySmall) {
  check(*qwen_like().tokenizer, *llama_like().tokenizer);
}

TEST(TokenBudget, TableOfTheStudyReal) {
  if (!real_qwen3().tokenizer || !real_llama31().tokenizer) {
    GTEST_SKIP() << "scripts/fetch_test_tokenizers.sh brings the real Qwen3 and Llama-3.1";
  }
  const Tokenizer& qwen = *real_qwen3().tokenizer;
  const Tokenizer& llama = *real_llama31().tokenizer;
  check(qwen, llama);
  // Vocabularies: the four tags for Qwen; the study's Llama adds 74 tokens, those tags among them.
  constexpr size_t kTags = 4, kLlamaAdded = 74;
  EXPECT_EQ(qwen.vocabulary_size(), 151673U);
  EXPECT_EQ(llama.vocabulary_size() - kTags + kLlamaAdded, 128330U);
}

// Alone, `<-` is one token; in an answer `]<` is, and the sign costs one more than the placeholder.
TEST(TokenBudget, InContextASignIsATokenOfItsOwn) {
  for (const TestTokenizer& t : {qwen_like(), real_qwen3()}) {
    if (!t.tokenizer) continue;
    const TripleCost cost = triple_cost(*t.tokenizer, "-1.2345,0.9876,5.4321");
    EXPECT_EQ(cost.isolated, 22U);
    EXPECT_EQ(cost.drift_isolated, 0);
    EXPECT_EQ(cost.in_context, 21U);
    EXPECT_EQ(cost.drift_in_context, -1);
    // The three decimals of v4.x leave 17 positions where this coordinate needs 21.
    EXPECT_EQ(triple_cost(*t.tokenizer, "-1.2345,0.9876,5.4321", kPlaceholder3).drift_in_context,
              -4);
    EXPECT_EQ(triple_cost(*t.tokenizer, kPlaceholder3).in_context, 17U);
  }
}

TEST(TokenBudget, EveryTokenIsFreeOrCopy) {
  const TestTokenizer t = qwen_like();
  const std::string text = "[CONFORMER][C]<-1,2.5,-3>(=[O]<0,0,0>)[/CONFORMER]";
  size_t at = 0;
  std::string free;
  for (const TokenUse& token : list_tokens(*t.tokenizer, text)) {
    EXPECT_EQ(token.span.begin, at);
    at = token.span.end;
    EXPECT_EQ(text.substr(token.span.begin, token.span.end - token.span.begin),
              t.tokenizer->token_bytes(token.id));
    if (token.free) free += t.tokenizer->token_bytes(token.id);
  }
  EXPECT_EQ(at, text.size());
  EXPECT_EQ(free, "-1,2.5,-30,0,0");
}

}  // namespace
}  // namespace molgen3d
