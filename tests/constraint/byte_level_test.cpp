// The fallback: valid text, no dead end, same answers from every thread.
#include "constraint/byte_level.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "base/error.h"
#include "constraint/compiler.h"
#include "constraint/number_bytes.h"
#include "constraint/test_templates.h"
#include "constraint/test_tokenizers.h"
#include "text/template.h"

namespace molgen3d {
namespace {

TEST(TripleBytes, AcceptsExactlyTheGrammar) {
  for (auto zeros :
       {NumberFormat::Zeros::kStrip, NumberFormat::Zeros::kFixed, NumberFormat::Zeros::kEither}) {
    const NumberFormat format{3, zeros, 2};
    const TripleBytes triple = triple_bytes(format);
    const auto accepts_text = [&](std::string_view text) {
      uint32_t state = 0;
      for (char c : text) {
        const auto& edges = triple.states[state].edges;
        const auto it = std::find_if(edges.begin(), edges.end(), [&](auto edge) {
          return edge.byte == static_cast<uint8_t>(c);
        });
        if (it == edges.end()) return false;
        state = it->next;
      }
      return triple.states[state].may_end;
    };
    const std::string one = zeros == NumberFormat::Zeros::kFixed ? "1.000" : "1";
    // Every string of up to five characters of the alphabet, as each component.
    size_t valid = 0;
    constexpr std::string_view kFew = "0175.-";
    for (size_t length = 1; length <= 6; ++length) {
      size_t count = 1;
      for (size_t i = 0; i < length; ++i) count *= kFew.size();
      for (size_t code = 0; code < count; ++code) {
        std::string text;
        for (size_t rest = code, i = 0; i < length; ++i, rest /= kFew.size()) {
          text += kFew[rest % kFew.size()];
        }
        const bool expected = is_coordinate(text.data(), text.data() + text.size(), format);
        valid += expected;
        ASSERT_EQ(accepts_text(text + "," + one + "," + one), expected) << text;
        ASSERT_EQ(accepts_text(one + "," + one + "," + text), expected) << text;
      }
    }
    EXPECT_GT(valid, 100U);
    for (const TripleBytes::State& state : triple.states) {
      EXPECT_TRUE(state.may_end || !state.edges.empty());
    }
  }
}

TEST(ByteLevel, IsTheFallbackOutsideTheProof) {
  const TestTokenizer t = mixed_digits();
  const TemplateCompiler compiler(t.tokenizer, {}, t.end_of_sequence);
  EXPECT_NE(compiler.fallback_reason(), "");
  TestRandom random(17);
  size_t not_canonical = 0;
  for (int i = 0; i < 300; ++i) {
    const std::vector<std::string> literals = random_literals(random, 1 + random.below(4));
    const auto constraint = compiler.compile(literals);
    const std::vector<TokenId> walk = random_walk(random, *constraint);
    const std::string text = t.tokenizer->decode(walk);
    ASSERT_TRUE(is_valid_answer(text, literals, {})) << text;
    not_canonical += t.tokenizer->encode(text) != walk;
    ASSERT_GE(walk.size() + 1, constraint->min_tokens());
    ASSERT_LE(walk.size() + 1, constraint->max_tokens());
    // All valid text is spelled by its own tokens among others.
    const std::string valid = random_answer(random, literals, {});
    ASSERT_TRUE(accepts(*constraint, t.tokenizer->encode(valid), t.end_of_sequence)) << valid;
  }
  EXPECT_GT(not_canonical, 0U);  // what the exact automaton is for
}

TEST(ByteLevel, NoStateIsADeadEndAndReachableIsComplete) {
  for (const TestTokenizer& t : {mixed_digits(), gpt2_like(), llama_like()}) {
    const ByteLevelCompiler compiler(t.tokenizer, {}, t.end_of_sequence);
    const auto constraint = compiler.compile(literals_of_smiles("C[NH3+]"));
    std::map<std::pair<uint32_t, uint32_t>, bool> seen;
    std::vector<ConstraintState> open = {constraint->start()};
    bool ended = false;
    while (!open.empty()) {
      const ConstraintState state = open.back();
      open.pop_back();
      if (!seen.emplace(std::pair(state.segment, state.node), true).second) continue;
      if (constraint->finished(state)) {
        ended = true;
        continue;
      }
      const Choices choices = constraint->choices(state);
      if (choices.kind == Choices::Kind::kForced) {
        open.push_back(constraint->advance(state, choices.forced));
        ASSERT_NE(open.back(), state);
        continue;
      }
      ASSERT_GE(choices.listed.size(), 2U);
      for (TokenId token : choices.listed) {
        ASSERT_TRUE(std::binary_search(constraint->reachable().begin(),
                                       constraint->reachable().end(), token));
        open.push_back(constraint->advance(state, token));
        ASSERT_NE(open.back(), state);
      }
    }
    EXPECT_TRUE(ended);
  }
}

// Where digits or parts of numbers are added tokens, the fallback offers these: they are what the
// model writes.
TEST(ByteLevel, OffersAddedTokens) {
  const TestTokenizer t = qwen_like();
  const auto first = static_cast<TokenId>(t.tokenizer->vocabulary_size());
  const std::vector<Tokenizer::AddedToken> extra = {{first, "0,", false},
                                                    {first + 1, "<-1.", false}};
  const auto tokenizer = t.tokenizer->with_added_tokens(extra);
  for (const auto& [name, own, end] :
       {TestTokenizer{"mixed parts", tokenizer, t.end_of_sequence}, added_digits()}) {
    const ByteLevelCompiler compiler(own, {}, end);
    const auto constraint = compiler.compile(literals_of_smiles("CC"));
    for (const char* numbers : {"0,0,0", "-1.5,0,10", "-1.25,0.5,-0.5", "12.5,-0.0001,7"}) {
      const std::string text = literals_of_smiles("CC")[0] + numbers + literals_of_smiles("CC")[1] +
                               numbers + literals_of_smiles("CC")[2];
      EXPECT_TRUE(accepts(*constraint, own->encode(text), end)) << name << " " << text;
    }
  }
}

TEST(ByteLevel, ThreadsShareRows) {
  const TestTokenizer t = llama_like();
  const ByteLevelCompiler compiler(t.tokenizer, {}, t.end_of_sequence);
  const auto constraint = compiler.compile(literals_of_smiles("CCO"));
  const auto walk = [&] {
    TestRandom random(23);
    std::vector<TokenId> all;
    for (int i = 0; i < 20; ++i) {
      const std::vector<TokenId> tokens = random_walk(random, *constraint);
      all.insert(all.end(), tokens.begin(), tokens.end());
    }
    return all;
  };
  std::vector<TokenId> results[4];
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = walk(); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, walk());
}

TEST(ByteLevel, SaysWhichCharacterHasNoToken) {
  const auto t = Tokenizer::from_json(
      R"({"model":{"type":"BPE","merges":[],"vocab":{"0":0,"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,)"
      R"("7":7,"8":8,"9":9,".":10,",":11,"-":12,"[":13,"]":14,"<":15,">":16,"C":17}}})",
      "tiny");
  const ByteLevelCompiler compiler(t, {}, 17);
  EXPECT_NE(compiler.compile(std::vector<std::string>{"[C]<", ">[C]<", ">"}), nullptr);
  try {
    compiler.compile(std::vector<std::string>{"[C]<", ">[N]<", ">"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "tokenizer tiny has no token for the single character \"N\"");
  }
}

}  // namespace
}  // namespace molgen3d
