#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "tokenizer/small_tokenizer.h"
#include "tokenizer/text_generator.h"

namespace molgen3d {
namespace {

using testing::golden_json;
using testing::golden_path;
using testing::load;
using testing::TextGenerator;

const char* const kSmall[] = {"qwen_like", "llama_like", "gpt2_like", "characters"};

class Small : public ::testing::TestWithParam<const char*> {};

TEST_P(Small, SameTokensAsReference) {
  const auto tokenizer = Tokenizer::from_file(golden_path(GetParam()));
  size_t cases = 0;
  const auto expected = golden_json("expected").at(GetParam());
  for (const auto& entry : expected) {
    const std::string text = entry.at("text");
    EXPECT_EQ(tokenizer->encode(text), entry.at("ids").get<std::vector<TokenId>>()) << text;
    ++cases;
  }
  EXPECT_GE(cases, 5u);
}

TEST_P(Small, DecodesToTheTextAndOffsetsTileIt) {
  const auto tokenizer = Tokenizer::from_file(golden_path(GetParam()));
  TextGenerator generator(11);
  for (int i = 0; i < 300; ++i) {
    const std::string text = generator.enriched(4) + generator.smiles(20);
    const Encoding encoding = tokenizer->encode_with_offsets(text);
    EXPECT_EQ(encoding.ids, tokenizer->encode(text));
    EXPECT_EQ(tokenizer->decode(encoding.ids), text);
    uint32_t at = 0;
    for (size_t k = 0; k < encoding.ids.size(); ++k) {
      const ByteSpan span = encoding.offsets[k];
      EXPECT_EQ(span.begin, at);
      EXPECT_EQ(tokenizer->token_bytes(encoding.ids[k]),
                text.substr(span.begin, span.end - span.begin));
      at = span.end;
    }
    EXPECT_EQ(at, text.size());
  }
}

TEST_P(Small, EveryTokenIsFoundByItsBytes) {
  const auto tokenizer = Tokenizer::from_file(golden_path(GetParam()));
  for (size_t id = 0; id < tokenizer->vocabulary_size(); ++id)
    EXPECT_EQ(tokenizer->token_id(tokenizer->token_bytes(static_cast<TokenId>(id))), id);
  EXPECT_EQ(tokenizer->token_id("no such token"), std::nullopt);
  EXPECT_EQ(tokenizer->token_bytes(-1), "");
  EXPECT_EQ(tokenizer->token_bytes(1 << 30), "");
}

INSTANTIATE_TEST_SUITE_P(Families, Small, ::testing::ValuesIn(kSmall),
                         [](const auto& info) { return std::string(info.param); });

TEST(Tokenizer, SaysWhatTheConstraintNeedsToKnow) {
  const auto qwen = Tokenizer::from_file(golden_path("qwen_like"));
  EXPECT_EQ(qwen->pre_tokenizer(), PreTokenizer::kDigitSingles);
  EXPECT_FALSE(qwen->has_mixed_digit_tokens());
  EXPECT_FALSE(qwen->changes_ascii());
  EXPECT_TRUE(qwen->prefix_tokens().empty());

  const auto llama = Tokenizer::from_file(golden_path("llama_like"));
  EXPECT_EQ(llama->pre_tokenizer(), PreTokenizer::kDigitTriples);
  EXPECT_FALSE(llama->has_mixed_digit_tokens());
  ASSERT_EQ(llama->prefix_tokens().size(), 1u);
  EXPECT_EQ(llama->token_bytes(llama->prefix_tokens()[0]), "<|begin_of_text|>");
  EXPECT_TRUE(llama->is_special(llama->prefix_tokens()[0]));

  const auto gpt2 = Tokenizer::from_file(golden_path("gpt2_like"));
  EXPECT_EQ(gpt2->pre_tokenizer(), PreTokenizer::kDigitRuns);

  const auto characters = Tokenizer::from_file(golden_path("characters"));
  EXPECT_EQ(characters->pre_tokenizer(), PreTokenizer::kNone);
  EXPECT_FALSE(characters->has_mixed_digit_tokens());
}

nlohmann::json with_token(nlohmann::json json, const char* token) {
  json["model"]["vocab"][token] = 5000;
  return json;
}

TEST(Tokenizer, FindsMixedDigitTokensThatTextCanGive) {
  // Without a merge nothing makes "1,"; with ignore_merges only a whole piece would, and the
  // pattern keeps digits apart from commas.
  EXPECT_FALSE(load(with_token(golden_json("qwen_like"), "1,"))->has_mixed_digit_tokens());
  EXPECT_FALSE(load(with_token(golden_json("llama_like"), "1,"))->has_mixed_digit_tokens());
  // A superscript two counts as a digit of the same piece: "1²" in the byte table's spelling.
  EXPECT_TRUE(load(with_token(golden_json("llama_like"), "1Â²"))->has_mixed_digit_tokens());

  auto gpt2 = golden_json("gpt2_like");
  const bool before = load(gpt2)->has_mixed_digit_tokens();
  gpt2["model"]["vocab"]["Ġ7"] = 5000;
  gpt2["model"]["merges"].push_back("Ġ 7");
  EXPECT_FALSE(before);
  EXPECT_TRUE(load(gpt2)->has_mixed_digit_tokens());
  EXPECT_EQ(load(gpt2)->encode("C 7").back(), 5000);

  auto characters = golden_json("characters");
  characters["model"]["vocab"][".5"] = 5000;
  EXPECT_FALSE(load(characters)->has_mixed_digit_tokens());
  characters["model"]["merges"].push_back({".", "5"});
  EXPECT_TRUE(load(characters)->has_mixed_digit_tokens());
  // A merge whose part nothing makes.
  auto unreachable = golden_json("characters");
  unreachable["model"]["vocab"]["ab"] = 5000;
  unreachable["model"]["vocab"]["ab5"] = 5001;
  unreachable["model"]["merges"].push_back({"ab", "5"});
  EXPECT_FALSE(load(unreachable)->has_mixed_digit_tokens());
}

TEST(Tokenizer, PrefixSpaceChangesAscii) {
  auto json = golden_json("gpt2_like");
  json["pre_tokenizer"]["add_prefix_space"] = true;
  const auto tokenizer = load(json);
  EXPECT_TRUE(tokenizer->changes_ascii());
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("C")), " C");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(" C")), " C");
  const Encoding encoding = tokenizer->encode_with_offsets("C");
  EXPECT_EQ(encoding.offsets.front().begin, 0u);
  EXPECT_EQ(encoding.offsets.back().end, 1u);
  EXPECT_TRUE(tokenizer->encode("").empty());
}

TEST(Tokenizer, LongPiecesMergeLikeShortOnes) {
  // Pieces beyond and below the size at which the heap takes over share their first tokens.
  const auto tokenizer = Tokenizer::from_file(golden_path("qwen_like"));
  std::string letters;
  for (int i = 0; i < 60; ++i) letters += "conformermolecule";
  const auto unit = tokenizer->encode(letters);
  EXPECT_EQ(tokenizer->decode(unit), letters);
  const auto shorter = tokenizer->encode(letters.substr(0, 17 * 5));
  ASSERT_LT(shorter.size(), unit.size());
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end() - 2, unit.begin()));
  const std::string run(1'000'000, 'C');
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(run)), run);
}

TEST(Tokenizer, NormalizesToNfcWithOffsets) {
  const auto tokenizer = Tokenizer::from_file(golden_path("qwen_like"));
  EXPECT_EQ(tokenizer->encode("e\u0301x"), tokenizer->encode("\u00e9x"));
  const Encoding encoding = tokenizer->encode_with_offsets("ae\u0301x");
  EXPECT_EQ(encoding.offsets.front(), (ByteSpan{0, 1}));
  EXPECT_EQ(encoding.offsets[1], (ByteSpan{1, 4}));
  EXPECT_EQ(encoding.offsets.back(), (ByteSpan{4, 5}));
}

TEST(Tokenizer, ReplacesInvalidUtf8) {
  const auto tokenizer = Tokenizer::from_file(golden_path("qwen_like"));
  EXPECT_EQ(tokenizer->encode("C\xFF"), tokenizer->encode("C\uFFFD"));
  // Maximal subparts: a cut sequence is one mistake, a surrogate three, a lone byte one.
  EXPECT_EQ(tokenizer->encode("\xE2\x82x"), tokenizer->encode("\uFFFDx"));
  EXPECT_EQ(tokenizer->encode("\xED\xA0\x80"), tokenizer->encode("\uFFFD\uFFFD\uFFFD"));
  EXPECT_EQ(tokenizer->encode("\xF0\x9F\x98"), tokenizer->encode("\uFFFD"));
  EXPECT_EQ(tokenizer->encode_with_offsets("C\xE2\x82x").offsets.back(), (ByteSpan{3, 4}));
}

TEST(Tokenizer, AddedTokensLeftmostLongest) {
  auto json = golden_json("qwen_like");
  const auto add = [&](const char* content, TokenId id, const char* flag = nullptr) {
    nlohmann::json token = {{"id", id}, {"content", content}, {"normalized", false}};
    if (flag) token[flag] = true;
    json["added_tokens"].push_back(token);
  };
  add("[SMILES]x", 600);
  add("<word>", 601, "single_word");
  add("<left>", 602, "lstrip");
  add("<right>", 603, "rstrip");
  add("\u00e9!", 604, "normalized");
  const auto tokenizer = load(json);
  EXPECT_EQ(tokenizer->encode("[SMILES]x"), std::vector<TokenId>{600});
  EXPECT_EQ(tokenizer->encode(" <word>-").at(1), 601);
  const auto inside = tokenizer->encode("a<word>");
  EXPECT_EQ(std::count(inside.begin(), inside.end(), 601), 0);
  EXPECT_EQ(tokenizer->encode(" \t<left>"), std::vector<TokenId>{602});
  EXPECT_EQ(tokenizer->encode("<right>\n \u3000"), std::vector<TokenId>{603});
  EXPECT_EQ(tokenizer->encode("e\u0301!"), std::vector<TokenId>{604});
  EXPECT_EQ(tokenizer->encode_with_offsets("e\u0301!").offsets[0], (ByteSpan{0, 4}));
}

TEST(Tokenizer, MoreAddedTokens) {
  const auto base = Tokenizer::from_file(golden_path("characters"));
  const std::vector<Tokenizer::AddedToken> extra = {{700, "<x>", true}};
  const auto more = base->with_added_tokens(extra);
  EXPECT_EQ(more->encode("C<x>"), (std::vector<TokenId>{35, 700}));
  EXPECT_EQ(more->vocabulary_size(), 701u);
  EXPECT_TRUE(more->is_special(700));
  EXPECT_FALSE(base->is_added(700));
  EXPECT_NE(base->fingerprint(), more->fingerprint());
  EXPECT_EQ(more->decode(more->encode("C<x>C"), true), "CC");
  const std::vector<Tokenizer::AddedToken> taken = {{35, "<y>", false}};
  EXPECT_THROW(base->with_added_tokens(taken), Error);
}

TEST(Tokenizer, FingerprintSeesEveryRule) {
  const auto json = golden_json("llama_like");
  const uint64_t original = load(json)->fingerprint();
  EXPECT_EQ(load(json)->fingerprint(), original);
  auto changed = json;
  changed["model"]["ignore_merges"] = false;
  EXPECT_NE(load(changed)->fingerprint(), original);
  changed = json;
  std::swap(changed["model"]["merges"][0], changed["model"]["merges"][1]);
  EXPECT_NE(load(changed)->fingerprint(), original);
  changed = json;
  changed["normalizer"] = {{"type", "NFC"}};
  EXPECT_NE(load(changed)->fingerprint(), original);
}

TEST(Tokenizer, ThreadsShareOne) {
  const auto tokenizer = Tokenizer::from_file(golden_path("qwen_like"));
  std::vector<std::string> texts;
  TextGenerator generator(3);
  for (int i = 0; i < 200; ++i) texts.push_back(generator.next());
  std::vector<std::vector<TokenId>> expected;
  for (const auto& text : texts) expected.push_back(tokenizer->encode(text));
  std::vector<size_t> wrong(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < texts.size(); ++i)
        wrong[t] += tokenizer->encode(texts[i]) != expected[i];
    });
  for (auto& thread : threads) thread.join();
  for (const size_t count : wrong) EXPECT_EQ(count, 0u);
}

}  // namespace
}  // namespace molgen3d
