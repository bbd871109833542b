// The study's rules, as its own tests and tables state them.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "constraint/compiler.h"
#include "constraint/template_program.h"
#include "constraint/test_templates.h"
#include "constraint/test_tokenizers.h"
#include "text/template.h"

namespace molgen3d {
namespace {

constexpr ConstraintRule kRules[] = {ConstraintRule::kGeneric, ConstraintRule::kQwen,
                                     ConstraintRule::kQwenV40, ConstraintRule::kAllowlist};

std::shared_ptr<const PositionProgram> compile(const TestTokenizer& tokenizer, ConstraintRule rule,
                                               const std::vector<std::string>& literals,
                                               size_t rows = 0) {
  if (rows == 0) rows = tokenizer.tokenizer->vocabulary_size();
  const PositionRuleCompiler compiler(tokenizer.tokenizer, rule, tokenizer.end_of_sequence, rows);
  return std::dynamic_pointer_cast<const PositionProgram>(compiler.compile(literals));
}

bool legal(const TestTokenizer& tokenizer, const PositionProgram& program, size_t position,
           const char* token) {
  const auto id = tokenizer.tokenizer->token_id(token);
  EXPECT_TRUE(id.has_value()) << token;
  return allows(program.choices({static_cast<uint32_t>(position), 0}), id.value());
}

TEST(PositionRules, NamesGoBothWays) {
  for (const char* name : {"none", "exact", "generic", "qwen", "qwen-v4.0", "allowlist"}) {
    EXPECT_STREQ(constraint_rule_name(constraint_rule(name)), name);
  }
  EXPECT_THROW(constraint_rule("qwen3"), Error);
  const TestTokenizer t = qwen_like();
  EXPECT_THROW(PositionRuleCompiler(t.tokenizer, ConstraintRule::kExact, 0, 100), Error);
}

TEST(PositionRules, CopyForcesTheTemplateAndTheEndFollows) {
  const TestTokenizer t = qwen_like();
  const std::vector<std::string> literals = literals_of_smiles("CC");
  for (ConstraintRule rule : kRules) {
    const auto program = compile(t, rule, literals);
    const bool three = rule == ConstraintRule::kQwenV40 || rule == ConstraintRule::kAllowlist;
    const std::string placeholder = three ? "0.000,0.000,0.000" : "0.0000,0.0000,0.0000";
    const std::vector<TokenId> known =
        t.tokenizer->encode(literals[0] + placeholder + literals[1] + placeholder + literals[2]);
    ASSERT_EQ(program->positions.size(), known.size() + 1);
    size_t free = 0;
    for (size_t i = 0; i < known.size(); ++i) {
      const Choices choices = program->choices({static_cast<uint32_t>(i), 0});
      if (choices.kind == Choices::Kind::kForced) {
        EXPECT_EQ(choices.forced, known[i]);
      } else {
        ++free;
      }
    }
    EXPECT_EQ(free, three ? 34U : 40U);
    const auto end = static_cast<uint32_t>(known.size());
    EXPECT_EQ(program->choices({end, 0}).forced, t.end_of_sequence);
    EXPECT_FALSE(program->finished({end, 0}));
    EXPECT_TRUE(program->finished(program->advance({end, 0}, t.end_of_sequence)));
    EXPECT_EQ(program->min_tokens(), known.size() + 1);
    EXPECT_EQ(program->max_tokens(), known.size() + 1);
  }
}

TEST(PositionRules, WhatIsLegalAtFreePositions) {
  const TestTokenizer t = qwen_like();
  const std::vector<std::string> literals = literals_of_smiles("CC");
  const size_t first = t.tokenizer->encode(literals[0]).size();
  for (ConstraintRule rule : kRules) {
    SCOPED_TRACE(constraint_rule_name(rule));
    const auto program = compile(t, rule, literals);
    const bool three = rule == ConstraintRule::kQwenV40 || rule == ConstraintRule::kAllowlist;
    const size_t tokens = three ? 17 : 20;
    const size_t middle = first + 8, last = first + tokens - 1;
    ASSERT_LT(program->positions[first].forced, 0);
    ASSERT_GE(program->positions[last + 1].forced, 0);
    for (char digit = '0'; digit <= '9'; ++digit) {
      EXPECT_TRUE(legal(t, *program, middle, std::string(1, digit).c_str()));
    }
    for (const char* token : {".", ",", "-", ",-"}) {
      EXPECT_TRUE(legal(t, *program, middle, token)) << token;
    }
    for (const char* token : {"<", ">", "]<", ">[", "[CONFORMER]", "[/SMILES]", "<|endoftext|>"}) {
      EXPECT_FALSE(legal(t, *program, middle, token)) << token;
    }
    // Letters pass all but the allowlist; brackets as each version's table says.
    EXPECT_EQ(legal(t, *program, middle, "Cl"), rule != ConstraintRule::kAllowlist);
    EXPECT_EQ(legal(t, *program, middle, "["), rule == ConstraintRule::kGeneric);
    EXPECT_EQ(legal(t, *program, middle, "("),
              rule == ConstraintRule::kGeneric || rule == ConstraintRule::kQwenV40);
    EXPECT_EQ(legal(t, *program, middle, "@"),
              rule == ConstraintRule::kGeneric || rule == ConstraintRule::kQwen);
    // The first position of a block blocks commas in the allowlist only.
    EXPECT_EQ(legal(t, *program, first, ","), rule != ConstraintRule::kAllowlist);
    EXPECT_EQ(legal(t, *program, first, ",-"), rule != ConstraintRule::kAllowlist);
    EXPECT_TRUE(legal(t, *program, first, "-"));
    // Commas and dashes near the end: within 1, 4, 2 and 2.
    const size_t reach = rule == ConstraintRule::kGeneric ? 1
                         : rule == ConstraintRule::kQwen  ? 4
                                                          : 2;
    for (size_t before = 1; before <= 6; ++before) {
      for (const char* token : {",", "-", ",-"}) {
        EXPECT_EQ(legal(t, *program, last + 1 - before, token), before > reach) << before;
      }
      EXPECT_TRUE(legal(t, *program, last + 1 - before, "."));
    }
  }
}

TEST(PositionRules, BadPairsAreBlockedFromV38On) {
  // A character vocabulary with doubled punctuation as tokens of their own.
  TestTokenizer t;
  std::string vocabulary = R"("0":0,".":1,",":2,"-":3,"<":4,">":5,"[":6,"]":7,"C":8)";
  int id = 9;
  const std::vector<std::string> bad = {"..", ",,", "--", ".,", ",.", ".-", "-,"};
  for (const std::string& pair : bad) vocabulary += ",\"" + pair + "\":" + std::to_string(id++);
  vocabulary += R"(,",-":16,"-.":17,"0.":18,"1,2":19)";
  t.tokenizer = Tokenizer::from_json(
      R"({"pre_tokenizer":null,"model":{"type":"BPE","merges":[],"vocab":{)" + vocabulary +
          R"(}},"added_tokens":[{"id":20,"content":"[CONFORMER]","special":false},)"
          R"({"id":21,"content":"[/CONFORMER]","special":false}]})",
      "pairs");
  t.end_of_sequence = 4;
  const std::vector<std::string> literals = {"[CONFORMER][C]<", ">[/CONFORMER]"};
  for (ConstraintRule rule : kRules) {
    const auto program = compile(t, rule, literals);
    for (const std::string& pair : bad) {
      EXPECT_EQ(legal(t, *program, 12, pair.c_str()), rule == ConstraintRule::kGeneric) << pair;
    }
    for (const char* token : {",-", "-.", "0.", "1,2"}) {
      EXPECT_TRUE(legal(t, *program, 12, token)) << token;
    }
  }
}

TEST(PositionRules, PaddingRowsAreNeverLegal) {
  const TestTokenizer t = qwen_like();
  const size_t vocabulary = t.tokenizer->vocabulary_size();
  for (ConstraintRule rule : kRules) {
    const auto program = compile(t, rule, literals_of_smiles("CC"), vocabulary + 100);
    for (uint32_t i = 0; i < program->positions.size(); ++i) {
      if (program->positions[i].forced >= 0) continue;
      for (size_t row = vocabulary; row < vocabulary + 100; ++row) {
        ASSERT_FALSE(allows(program->choices({i, 0}), static_cast<TokenId>(row)));
      }
    }
  }
}

TEST(PositionRules, CountsOfTheStudyOnTheRealVocabulary) {
  const TestTokenizer& t = real_qwen3();
  if (!t.tokenizer) GTEST_SKIP() << "scripts/fetch_test_tokenizers.sh brings the real Qwen3";
  // The allowlist's code comments say 66 tokens; its rule leaves 15. v4.0 blocks 2,514 by
  // character.
  const auto allowlist = compile(t, ConstraintRule::kAllowlist, literals_of_smiles("CC"), 151936);
  EXPECT_EQ(allowlist->reachable().size(), 15U);
  const auto v40 = compile(t, ConstraintRule::kQwenV40, literals_of_smiles("CC"), 151936);
  size_t blocked_text = 0;
  for (size_t id = 0; id < t.tokenizer->vocabulary_size(); ++id) {
    const std::string_view text = t.tokenizer->token_bytes(static_cast<TokenId>(id));
    const bool holds = text.find_first_of("<>[]@+") != std::string_view::npos;
    blocked_text += holds && v40->masks[0]->contains(static_cast<TokenId>(id));
  }
  EXPECT_EQ(blocked_text, 2514U);
  EXPECT_EQ(t.tokenizer->vocabulary_size(), 151673U);
}

}  // namespace
}  // namespace molgen3d
