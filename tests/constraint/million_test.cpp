// A million random templates per tokenizer family: no valid text refused, no walk that re-encodes
// to other tokens.
#include <gtest/gtest.h>

#include <future>

#include "constraint/compiler.h"
#include "constraint/test_templates.h"
#include "constraint/test_tokenizers.h"

namespace molgen3d {
namespace {

struct Tally {
  size_t refused = 0;
  size_t not_canonical = 0;
  size_t invalid = 0;
  std::string example;
};

Tally check(const TestTokenizer& tokenizer, const TemplateCompiler& compiler,
            const NumberFormat& format, uint64_t seed, size_t templates) {
  Tally tally;
  TestRandom random(seed);
  for (size_t i = 0; i < templates; ++i) {
    const std::vector<std::string> literals = random_literals(random, 1 + random.below(2));
    const auto program = compiler.compile(literals);
    const std::string text = random_answer(random, literals, format);
    if (!accepts(*program, tokenizer.tokenizer->encode(text), tokenizer.end_of_sequence)) {
      ++tally.refused;
      tally.example = text;
    }
    const std::vector<TokenId> walk = random_walk(random, *program);
    const std::string walked = tokenizer.tokenizer->decode(walk);
    if (tokenizer.tokenizer->encode(walked) != walk) {
      ++tally.not_canonical;
      tally.example = walked;
    }
    if (!is_valid_answer(walked, literals, format)) {
      ++tally.invalid;
      tally.example = walked;
    }
  }
  return tally;
}

void check_million(const TestTokenizer& tokenizer) {
  if (!tokenizer.tokenizer) {
    GTEST_SKIP() << tokenizer.name << " is absent: scripts/fetch_test_tokenizers.sh brings it";
  }
  constexpr size_t kTemplates = 1'000'000;
  const NumberFormat format;
  const TemplateCompiler compiler(tokenizer.tokenizer, format, tokenizer.end_of_sequence);
  ASSERT_EQ(compiler.fallback_reason(), "");
  // Two threads share one compiler, as an engine's would.
  auto other = std::async(std::launch::async,
                          [&] { return check(tokenizer, compiler, format, 1, kTemplates / 2); });
  for (const Tally& tally : {check(tokenizer, compiler, format, 2, kTemplates / 2), other.get()}) {
    EXPECT_EQ(tally.refused, 0U) << tally.example;
    EXPECT_EQ(tally.not_canonical, 0U) << tally.example;
    EXPECT_EQ(tally.invalid, 0U) << tally.example;
  }
}

TEST(Million, Qwen3) {
  check_million(real_qwen3());
}
TEST(Million, Llama31) {
  check_million(real_llama31());
}
TEST(Million, Gpt2Like) {
  check_million(gpt2_like());
}
TEST(Million, Characters) {
  check_million(character_level());
}

}  // namespace
}  // namespace molgen3d
