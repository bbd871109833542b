#include <gtest/gtest.h>

#include "constraint/canonical_proof.h"
#include "constraint/literal_cutter.h"
#include "constraint/test_tokenizers.h"

namespace molgen3d {
namespace {

TEST(CanonicalProof, HoldsForTheKnownFamilies) {
  for (const TestTokenizer& tokenizer : small_tokenizers()) {
    EXPECT_EQ(canonical_obstacle(*tokenizer.tokenizer), "") << tokenizer.name;
  }
}

TEST(CanonicalProof, NamesWhatStandsAgainstIt) {
  EXPECT_NE(canonical_obstacle(*mixed_digits().tokenizer).find("joins digits"), std::string::npos);
  const auto without_tags = Tokenizer::from_json(
      R"({"model":{"type":"BPE","vocab":{"0":0,"1":1},"merges":[]},"pre_tokenizer":null})", "bare");
  EXPECT_NE(canonical_obstacle(*without_tags).find("[CONFORMER]"), std::string::npos);
}

TEST(CanonicalProof, AddedTokensThatCutACoordinate) {
  for (const char* content :
       {"0", "-", ",-", "12.5", "<0", "]<-", "0>", "5>[", ">[C]<0", "<0,0,0>"}) {
    EXPECT_TRUE(can_overlap_hole(content)) << content;
  }
  for (const char* content : {"<|endoftext|>", "<|reserved_special_token_10|>", "[CONFORMER]",
                              "<0x0A>", "<think>", "[13C]", "]<", ">[C]<"}) {
    EXPECT_FALSE(can_overlap_hole(content)) << content;
  }
}

TEST(LiteralCutter, CutsInPlace) {
  const TestTokenizer t = qwen_like();
  const auto texts = [&](const std::vector<TokenId>& ids) {
    std::vector<std::string> result;
    for (TokenId id : ids) result.emplace_back(t.tokenizer->token_bytes(id));
    return result;
  };
  using Texts = std::vector<std::string>;
  // After `>` the bracket joins the punctuation, after a ring digit it leads the letters.
  const CutLiteral plain = cut_literal(*t.tokenizer, ">[C]<", LiteralPlace::kMiddle);
  EXPECT_EQ(texts(plain.common), (Texts{">[", "C", "]<"}));
  EXPECT_EQ(texts(plain.before_digit), Texts{});
  EXPECT_EQ(texts(plain.before_minus), Texts{"-"});
  const CutLiteral ring = cut_literal(*t.tokenizer, ">1[s]<", LiteralPlace::kMiddle);
  EXPECT_EQ(texts(ring.common), (Texts{">", "1", "[s", "]<"}));
  const CutLiteral joined =
      cut_literal(*joined_sign_like().tokenizer, ">[C]<", LiteralPlace::kMiddle);
  EXPECT_EQ(joined.before_digit.size(), 1U);
  EXPECT_EQ(joined.before_minus.size(), 2U);
  const CutLiteral last = cut_literal(*t.tokenizer, ">[/CONFORMER]", LiteralPlace::kLast);
  EXPECT_EQ(texts(last.common), (Texts{">", "[/CONFORMER]"}));
  EXPECT_TRUE(last.before_minus.empty());
}

}  // namespace
}  // namespace molgen3d
