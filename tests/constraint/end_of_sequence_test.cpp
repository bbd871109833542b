// A model with several end-of-sequence ids: each of them may end an answer, in any constraint.
#include "constraint/end_of_sequence.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "constraint/byte_level.h"
#include "constraint/compiler.h"
#include "constraint/test_templates.h"
#include "constraint/test_tokenizers.h"

namespace molgen3d {
namespace {

const std::vector<std::string> kLiterals = {"[CONFORMER][C]<", ">[O]<", ">[/CONFORMER]"};

std::vector<TokenId> legal_ids(const Choices& choices, size_t rows) {
  std::vector<TokenId> ids;
  for (TokenId id = 0; static_cast<size_t>(id) < rows; ++id) {
    if (allows(choices, id)) ids.push_back(id);
  }
  return ids;
}

/// Any way through the text, up to where it ends.
ConstraintState before_the_end(const Constraint& constraint, const TestTokenizer& t) {
  const TokenId last_of_text = t.tokenizer->token_id("[/CONFORMER]").value();
  TestRandom random(3);
  ConstraintState state = constraint.start();
  for (size_t i = 0; i < constraint.max_tokens(); ++i) {
    const Choices choices = constraint.choices(state);
    const std::vector<TokenId> ids = legal_ids(choices, t.tokenizer->vocabulary_size());
    const TokenId token = ids.at(random.below(ids.size()));
    state = constraint.advance(state, token);
    if (token == last_of_text) break;
  }
  return state;
}

void expect_any_end(const Constraint& constraint, const TestTokenizer& t,
                    const std::vector<TokenId>& ends) {
  const ConstraintState state = before_the_end(constraint, t);
  EXPECT_FALSE(constraint.finished(state));
  EXPECT_EQ(legal_ids(constraint.choices(state), t.tokenizer->vocabulary_size()), ends);
  for (const TokenId end : ends) {
    EXPECT_TRUE(constraint.finished(constraint.advance(state, end))) << end;
  }
  const std::span<const TokenId> reachable = constraint.reachable();
  EXPECT_TRUE(std::is_sorted(reachable.begin(), reachable.end()));
  EXPECT_EQ(std::adjacent_find(reachable.begin(), reachable.end()), reachable.end());
  for (const TokenId end : ends) {
    EXPECT_TRUE(reachable.empty() || std::binary_search(reachable.begin(), reachable.end(), end));
  }
}

/// The tokenizer's own end, and two tokens of its vocabulary in no order.
std::vector<TokenId> list_of(const TestTokenizer& t) {
  const TokenId other = t.tokenizer->token_id("Z").value(),
                more = t.tokenizer->token_id("Y").value();
  return {t.end_of_sequence, more, other, t.end_of_sequence};
}

std::vector<TokenId> sorted(std::vector<TokenId> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

TEST(EndOfSequence, AnyIdOfTheListEndsATemplate) {
  for (const TestTokenizer& t : small_tokenizers()) {
    SCOPED_TRACE(t.name);
    const std::vector<TokenId> list = list_of(t);
    const TemplateCompiler compiler(t.tokenizer, {}, EndOfSequence(list));
    ASSERT_EQ(compiler.fallback_reason(), "");
    const auto constraint = compiler.compile(kLiterals);
    expect_any_end(*constraint, t, sorted(list));
    // Nothing but the end differs from a template with one id.
    const auto single = TemplateCompiler(t.tokenizer, {}, t.end_of_sequence).compile(kLiterals);
    EXPECT_EQ(constraint->min_tokens(), single->min_tokens());
    EXPECT_EQ(constraint->max_tokens(), single->max_tokens());
    TestRandom random(4);
    for (int i = 0; i < 20; ++i) {
      const std::vector<TokenId> ids = t.tokenizer->encode(random_answer(random, kLiterals, {}));
      for (const TokenId end : sorted(list)) EXPECT_TRUE(accepts(*constraint, ids, end));
      EXPECT_FALSE(accepts(*single, ids, list[1]));
    }
  }
}

TEST(EndOfSequence, AListOfOneIdTwiceIsForced) {
  const TestTokenizer t = qwen_like();
  const std::vector<TokenId> list = {t.end_of_sequence, t.end_of_sequence};
  const auto constraint = TemplateCompiler(t.tokenizer, {}, EndOfSequence(list)).compile(kLiterals);
  const ConstraintState state = before_the_end(*constraint, t);
  EXPECT_EQ(constraint->choices(state).kind, Choices::Kind::kForced);
  EXPECT_EQ(constraint->choices(state).forced, t.end_of_sequence);
}

TEST(EndOfSequence, AnyIdEndsByteLevelText) {
  const TestTokenizer t = mixed_digits();
  const std::vector<TokenId> list = list_of(t);
  const ByteLevelCompiler compiler(t.tokenizer, {}, EndOfSequence(list));
  expect_any_end(*compiler.compile(kLiterals), t, sorted(list));
}

TEST(EndOfSequence, AnyIdEndsAPositionRule) {
  const TestTokenizer t = qwen_like();
  const std::vector<TokenId> list = list_of(t);
  for (const auto rule : {ConstraintRule::kGeneric, ConstraintRule::kAllowlist}) {
    const PositionRuleCompiler compiler(t.tokenizer, rule, EndOfSequence(list),
                                        t.tokenizer->vocabulary_size());
    const auto constraint = compiler.compile(kLiterals);
    expect_any_end(*constraint, t, sorted(list));
    // None of them may stand in a coordinate.
    ConstraintState state = constraint->start();
    while (constraint->choices(state).kind == Choices::Kind::kForced) {
      state = constraint->advance(state, constraint->choices(state).forced);
    }
    for (const TokenId end : list) EXPECT_FALSE(allows(constraint->choices(state), end)) << end;
  }
}

// Some models end with the closing tag: then it is the last token, and nothing is asked after it.
TEST(EndOfSequence, AClosingTagOfTheListIsTheLastToken) {
  const TestTokenizer t = qwen_like();
  const TokenId tag = *t.tokenizer->token_id("[/CONFORMER]");
  const std::vector<TokenId> list = {t.end_of_sequence, tag};
  const TemplateCompiler exact(t.tokenizer, {}, EndOfSequence(list));
  const ByteLevelCompiler bytes(t.tokenizer, {}, EndOfSequence(list));
  const PositionRuleCompiler rule(t.tokenizer, ConstraintRule::kQwen, EndOfSequence(list),
                                  t.tokenizer->vocabulary_size());
  for (const auto& constraint :
       {exact.compile(kLiterals), bytes.compile(kLiterals), rule.compile(kLiterals)}) {
    EXPECT_TRUE(constraint->finished(before_the_end(*constraint, t)));
  }
  const auto single = TemplateCompiler(t.tokenizer, {}, t.end_of_sequence).compile(kLiterals);
  EXPECT_EQ(exact.compile(kLiterals)->min_tokens() + 1, single->min_tokens());
  EXPECT_EQ(exact.compile(kLiterals)->max_tokens() + 1, single->max_tokens());
}

TEST(EndOfSequence, NeedsAnId) {
  EXPECT_THROW(EndOfSequence(std::span<const TokenId>()), Error);
}

}  // namespace
}  // namespace molgen3d
