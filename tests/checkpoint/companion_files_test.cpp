#include "checkpoint/companion_files.h"

#include <gtest/gtest.h>

#include "checkpoint/test_files.h"

namespace molgen3d {
namespace {

std::string format_problem(const char* text) {
  Problems problems;
  read_conformer_format(nlohmann::json::parse(text), "conformer_format.json", problems);
  EXPECT_EQ(problems.size(), 1U) << text;
  return problems.empty() ? "" : problems.front();
}

TEST(ConformerFormat, ReadsEveryKey) {
  Problems problems;
  const auto format = read_conformer_format(
      nlohmann::json::parse(
          R"({"decimals":3,"trailing_zeros":"fixed","max_integer_digits":2,"descriptors":"hcount"})"),
      "f", problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_TRUE(format.declared);
  EXPECT_EQ(format.numbers, (NumberFormat{3, NumberFormat::Zeros::kFixed, 2}));
  EXPECT_TRUE(format.hydrogen_counts);
  const auto strip = read_conformer_format(
      nlohmann::json::parse(R"({"trailing_zeros":"strip","descriptors":"verbatim"})"), "f",
      problems);
  EXPECT_EQ(strip.numbers, (NumberFormat{4, NumberFormat::Zeros::kStrip, 3}));
  EXPECT_FALSE(strip.hydrogen_counts);
}

TEST(ConformerFormat, RefusesEverythingElse) {
  EXPECT_CONTAINS(format_problem(R"({"decimal":4})"), "unknown key \"decimal\"");
  EXPECT_CONTAINS(format_problem(R"({"decimals":0})"), "from 1 to 4");
  EXPECT_CONTAINS(format_problem(R"({"decimals":5})"), "from 1 to 4");
  EXPECT_CONTAINS(format_problem(R"({"decimals":"4"})"), "decimals");
  EXPECT_CONTAINS(format_problem(R"({"max_integer_digits":4})"), "from 1 to 3");
  EXPECT_CONTAINS(format_problem(R"({"trailing_zeros":"keep"})"), "strip");
  EXPECT_CONTAINS(format_problem(R"({"descriptors":"implicit"})"), "hcount");
}

TEST(GenerationConfig, ListsWhatIsNotApplied) {
  Problems problems;
  const auto left_out = [&](const char* text) {
    return read_generation_config(nlohmann::json::parse(text), 10, "g", problems).not_applied;
  };
  EXPECT_EQ(
      left_out(R"({"repetition_penalty":1.1,"num_beams":4,"suppress_tokens":[5,6],
                         "early_stopping":true,"max_length":40,"no_such_setting":"x"})"),
      (std::vector<std::string>{"early_stopping true", "max_length 40", "no_such_setting \"x\"",
                                "num_beams 4", "repetition_penalty 1.1", "suppress_tokens [5,6]"}));
  // Applied, without influence on the text, or with the value that leaves it as it is.
  EXPECT_EQ(
      left_out(R"({"_from_model_config":true,"bos_token_id":1,"pad_token_id":2,"eos_token_id":3,
                         "do_sample":true,"temperature":0.6,"top_p":0.9,"top_k":20,"min_p":0.05,
                         "transformers_version":"4.51.0","use_cache":true,"repetition_penalty":1.0,
                         "num_beams":1,"suppress_tokens":null,"bad_words_ids":[],"length_penalty":1,
                         "renormalize_logits":false,"typical_p":1.0,"num_return_sequences":1})"),
      std::vector<std::string>{});
  EXPECT_EQ(left_out(R"({"a\u0007":1})"), std::vector<std::string>{"\"a\\x07\" 1"});
  EXPECT_TRUE(problems.empty());
}

TEST(GenerationConfig, SamplingSettingsOutOfRangeAreNamed) {
  for (const char* text :
       {R"({"top_p":0})", R"({"top_p":1e-60})", R"({"top_p":1.5})", R"({"min_p":-0.1})",
        R"({"min_p":1.5})", R"({"min_p":"a"})", R"({"temperature":-1})"}) {
    Problems problems;
    read_generation_config(nlohmann::json::parse(text), 10, "g", problems);
    ASSERT_EQ(problems.size(), 1U) << text;
    EXPECT_CONTAINS(problems[0], "g: ");
    EXPECT_CONTAINS(problems[0], std::string(text).substr(2, 5)) << text;
  }
}

TEST(GenerationConfig, ReadsEndOfSequenceAndSampling) {
  Problems problems;
  const auto config = read_generation_config(
      nlohmann::json::parse(
          R"({"eos_token_id":[5,6],"do_sample":true,"temperature":0.6,"top_p":0.95,"top_k":20})"),
      10, "g", problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(config.end_of_sequence, (std::vector<int32_t>{5, 6}));
  EXPECT_EQ(config.temperature, 0.6);
  EXPECT_EQ(config.top_p, 0.95);
  EXPECT_EQ(config.top_k, 20);
  EXPECT_EQ(config.do_sample, true);
  const auto single =
      read_generation_config(nlohmann::json::parse(R"({"eos_token_id":9})"), 10, "g", problems);
  EXPECT_EQ(single.end_of_sequence, std::vector<int32_t>{9});
  EXPECT_FALSE(single.temperature);
  EXPECT_TRUE(problems.empty());
  read_generation_config(nlohmann::json::parse(R"({"eos_token_id":10,"top_p":2})"), 10, "g",
                         problems);
  EXPECT_EQ(problems.size(), 2U);
}

}  // namespace
}  // namespace molgen3d
