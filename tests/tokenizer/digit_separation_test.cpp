// Which pre-tokenizers keep digits apart, read off their patterns, and checked against what they
// cut.
#include "tokenizer/digit_separation.h"

#include <gtest/gtest.h>

#include <random>

namespace molgen3d {
namespace {

constexpr const char* kLetters =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)";
constexpr const char* kCapitals =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)";
constexpr const char* kContraction = R"((?i:'s|'t|'re|'ve|'m|'ll|'d))";
constexpr const char* kRest = R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::string o200k() {
  return std::string(kLetters) + kContraction + "?|" + kCapitals + kContraction + "?|" +
         R"(\p{N}{1,3})" + kRest;
}
std::string tekken() {
  return std::string(kLetters) + "|" + kCapitals + R"(|\p{N})" + kRest;
}

TEST(DigitSeparation, PublishedPatterns) {
  for (const std::string& pattern : {
           std::string(kGpt2Pattern),
           o200k(),
           tekken(),
           // Qwen2, Llama-3, cl100k as tiktoken writes it, Qwen3-Next, DeepSeek-V3's first step
           std::string(kContraction) +
               R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" +
               R"(\s*[\r\n]+|\s+(?!\S)|\s+)",
           std::string(kContraction) +
               R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+)",
           std::string(R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+|)") +
               R"( ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s)",
           std::string(kContraction) +
               R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+)",
           std::string(R"(\p{N}{1,3})"),
           std::string(R"([0-9]|[^0-9]+)"),
           std::string(R"(\d+)"),
       }) {
    EXPECT_EQ(digit_cut_of(pattern), DigitCut::kApart) << pattern;
  }
}

TEST(DigitSeparation, PatternsThatMixOrLookAround) {
  for (const char* pattern : {
           R"(\w+|[^\w\s]+)",       // letters and digits together
           R"( ?[^(\s|[.,!?])]+)",  // BLOOM: nested classes
           R"([^\s]+)",
           R"(\S+)",
           R"(.{1,5})",
           R"(.)",
           R"([\p{L}\p{N}]+|\p{N})",
           R"(\p{N}(?=\p{L})|\p{N}+)",  // depends on what follows
           R"((?<=\d)\.|\d+)",
           R"(\b\d+)",
           R"(^\d+)",
           R"((\d)\1|\d)",
           R"(\d++\d|[^\d]\d)",
           R"((?>\d?)\d)",
           R"(\d*)",
           R"(\d|x{,3}y|\Q1a\E)",
           R"(\d|[[:alnum:]]+)",
       }) {
    EXPECT_EQ(digit_cut_of(pattern), DigitCut::kUnknown) << pattern;
  }
}

TEST(DigitSeparation, PatternsThatLeaveDigitsAlone) {
  for (const char* pattern :
       {R"([\r\n])", R"(\s+)", R"(')", "\xE4\xB8\x80", R"(\s+(?!\S))", R"( \d+)"}) {
    EXPECT_EQ(digit_cut_of(pattern), DigitCut::kNothing) << pattern;
  }
  for (const char* pattern : {R"(\s?\p{L}+)", R"(\p{P}+|\p{L}+)", R"(,)", R"(\d{2})", R"([0-8])"}) {
    EXPECT_EQ(digit_cut_of(pattern), DigitCut::kLocal) << pattern;
  }
}

CutStep step(const std::string& pattern, SplitBehavior behavior = SplitBehavior::kIsolated) {
  return {Regex(pattern, "test"), behavior, false};
}

std::vector<CutStep> steps_of(const std::vector<std::pair<std::string, SplitBehavior>>& list) {
  std::vector<CutStep> steps;
  for (const auto& [pattern, behavior] : list) steps.push_back(step(pattern, behavior));
  return steps;
}

TEST(DigitSeparation, Sequences) {
  using enum SplitBehavior;
  const auto cut = [](const std::vector<std::pair<std::string, SplitBehavior>>& list) {
    const std::vector<CutStep> steps = steps_of(list);
    return digit_cut_of(std::span<const CutStep>(steps));
  };
  // Digits, then ByteLevel's own pattern (SmolLM, StarCoder), together or one by one.
  EXPECT_EQ(cut({{R"(\p{N})", kIsolated}, {kGpt2Pattern, kIsolated}}), DigitCut::kApart);
  EXPECT_EQ(cut({{R"(\p{N})", kContiguous}, {kGpt2Pattern, kIsolated}}), DigitCut::kApart);
  // DeepSeek: steps that touch no digit come first. Once digits are apart nothing joins them again.
  EXPECT_EQ(cut({{R"([\r\n])", kIsolated}, {R"(\s?\p{L}+)", kIsolated}, {R"(\p{N})", kIsolated}}),
            DigitCut::kApart);
  EXPECT_EQ(cut({{R"(\p{N})", kIsolated}, {R"(.{1,3})", kIsolated}}), DigitCut::kApart);
  EXPECT_EQ(cut({{R"(.{1,3})", kIsolated}, {R"(\p{N})", kIsolated}}), DigitCut::kUnknown);
  EXPECT_EQ(cut({{R"([\r\n])", kRemoved}}), DigitCut::kNothing);
  EXPECT_EQ(cut({}), DigitCut::kNothing);
  // Neighbouring matches that are joined, or a digit with what stands before it.
  EXPECT_EQ(cut({{kGpt2Pattern, kContiguous}}), DigitCut::kUnknown);
  for (const auto behavior : {kRemoved, kMergedWithPrevious, kMergedWithNext}) {
    EXPECT_EQ(cut({{R"(\p{N})", behavior}}), DigitCut::kUnknown);
  }
}

// What is claimed of a pre-tokenizer, on random texts: no piece mixes, and cutting a text at the
// borders of its runs of digits first changes no piece.
TEST(DigitSeparation, HoldsOnRandomTexts) {
  constexpr std::string_view kAlphabet = "0123456789,.-<>[]()CcNnOH@+=#/\\%:_{}|^$&*!?;\"`~";
  std::mt19937_64 random(8);
  for (const auto& list : std::vector<std::vector<std::pair<std::string, SplitBehavior>>>{
           {{o200k(), SplitBehavior::kIsolated}},
           {{tekken(), SplitBehavior::kIsolated}},
           {{R"(\p{N})", SplitBehavior::kIsolated}, {kGpt2Pattern, SplitBehavior::kIsolated}},
           {{R"(\p{N})", SplitBehavior::kContiguous}, {kGpt2Pattern, SplitBehavior::kIsolated}},
           {{R"(\s?\p{L}+)", SplitBehavior::kIsolated},
            {R"(\s?\p{P}+)", SplitBehavior::kIsolated},
            {R"(\p{N}{1,3})", SplitBehavior::kIsolated}}}) {
    PieceCutter cutter;
    cutter.steps = steps_of(list);
    ASSERT_EQ(digit_cut_of(std::span<const CutStep>(cutter.steps)), DigitCut::kApart);
    std::vector<ByteSpan> whole, part;
    for (int round = 0; round < 2000; ++round) {
      std::string text;
      for (size_t i = random() % 40; i > 0; --i) text += kAlphabet[random() % kAlphabet.size()];
      cutter.cut(text, whole);
      std::vector<ByteSpan> expected;
      const auto is_digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
      for (size_t begin = 0; begin < text.size();) {
        size_t end = begin + 1;
        while (end < text.size() && is_digit(end) == is_digit(begin)) ++end;
        cutter.cut(std::string_view(text).substr(begin, end - begin), part);
        for (const ByteSpan& span : part) {
          expected.push_back(
              {static_cast<uint32_t>(begin) + span.begin, static_cast<uint32_t>(begin) + span.end});
        }
        begin = end;
      }
      ASSERT_EQ(whole, expected) << text;
    }
  }
}

}  // namespace
}  // namespace molgen3d
