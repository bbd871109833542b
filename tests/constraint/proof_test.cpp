#include <gtest/gtest.h>

#include "constraint/canonical_proof.h"
#include "constraint/compiler.h"
#include "constraint/literal_cutter.h"
#include "constraint/test_tokenizers.h"

namespace molgen3d {
namespace {

TEST(CanonicalProof, HoldsForTheKnownFamilies) {
  for (const TestTokenizer& tokenizer : small_tokenizers()) {
    EXPECT_EQ(canonical_obstacle(*tokenizer.tokenizer), "") << tokenizer.name;
  }
}

TEST(CanonicalProof, AddedTokensThatMixDigitsStandAgainstIt) {
  const TestTokenizer t = qwen_like();
  const auto with = [&](const std::string& content) {
    const Tokenizer::AddedToken added{static_cast<TokenId>(t.tokenizer->vocabulary_size()), content,
                                      false};
    return t.tokenizer->with_added_tokens({&added, 1});
  };
  for (const char* content : {"0,", "1.5", "<0", "0>", "5>[", "-1", "0.5,"}) {
    EXPECT_NE(canonical_obstacle(*with(content)).find(content), std::string::npos) << content;
  }
  // Within a run of digits, between two, or never in an answer: the proof stands.
  for (const char* content : {"12", "500", "-,", "]<-", "<|x_1|>", "[13C]"}) {
    EXPECT_EQ(canonical_obstacle(*with(content)), "") << content;
  }
}

TEST(CanonicalProof, TheWarningSaysWhatItMeans) {
  const TestTokenizer t = mixed_digits();
  const std::string warning =
      TemplateCompiler(t.tokenizer, {}, t.end_of_sequence).fallback_warning();
  EXPECT_NE(warning.find("joins digits"), std::string::npos) << warning;
  EXPECT_NE(warning.find("text is exact"), std::string::npos) << warning;
  EXPECT_NE(warning.find("not proved"), std::string::npos) << warning;
  const TestTokenizer proved = qwen_like();
  EXPECT_EQ(TemplateCompiler(proved.tokenizer, {}, proved.end_of_sequence).fallback_warning(), "");
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
