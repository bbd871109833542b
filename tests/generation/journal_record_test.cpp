#include "generation/journal_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "files/test_folder.h"

namespace molgen3d {
namespace {

using Json = nlohmann::ordered_json;

constexpr SampleBounds kBounds{.samples = 3, .vocabulary = 100, .audit = false};

Json line_of_sample() {
  auto prompt = std::make_shared<Prompt>();
  prompt->index = 4;
  prompt->text_template.smiles = "CCO";
  Sample sample{prompt, 2, {}};
  sample.completion.sample = 2;
  sample.completion.tokens = {5, 6, 7};
  sample.completion.sampled_tokens = 2;
  sample.completion.forced_tokens = 1;
  sample.completion.masked_log_probability = -1.25;
  return Json::parse(journal_line(sample));
}

Prompt prompt() {
  Prompt out;
  out.index = 4;
  out.text_template.smiles = "CCO";
  return out;
}

size_t accepted(const Json& line, const SampleBounds& bounds = kBounds) {
  return FinishedSamples({line.dump()}, bounds, "journal").size();
}

TEST(FinishedSamples, GiveBackWhatWasWritten) {
  const FinishedSamples finished({line_of_sample().dump()}, kBounds, "journal");
  const auto found = finished.find(prompt(), 2);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tokens, (std::vector<TokenId>{5, 6, 7}));
  EXPECT_EQ(found->masked_log_probability, -1.25);
  EXPECT_FALSE(finished.find(prompt(), 1));
  Prompt other = prompt();
  other.text_template.smiles = "CCN";
  EXPECT_EQ(message_of([&] { finished.find(other, 2); }),
            "journal: cannot resume: record 5 of the input was \"CCO\", now \"CCN\"");
  finished.require_within(5);
  EXPECT_EQ(message_of([&] { finished.require_within(4); }),
            "journal: cannot resume: the input had a record 5, now it has 4 records");
}

// A line that the checksum cannot catch: written so, by a defect or on purpose.
TEST(FinishedSamples, AreWhatARunCanGive) {
  ASSERT_EQ(accepted(line_of_sample()), 1U);
  const std::pair<const char*, Json> changes[] = {
      {"reason", static_cast<int>(FinishReason::kCancelled)},
      {"reason", 200},
      {"reason", -1},
      {"reason", static_cast<int>(FinishReason::kFailed)},  // without a cause
      {"sample", 3},
      {"sample", -1},
      {"sample", 4294967298},
      {"record", -1},
      {"record", 1.5},
      {"tokens", {5, 6, 100}},
      {"tokens", {5, 6, -1}},
      {"tokens", {5, 6}},
      {"tokens", "none"},
      {"tokens", Json::array()},
      {"sampled", 3},
      {"forced", 4294967295},
      {"smiles", 7},
      {"audit", Json::array({Json::array({0.0, 1.0, 5, 0.0})})}};
  for (const auto& [name, value] : changes) {
    Json line = line_of_sample();
    line[name] = value;
    EXPECT_EQ(accepted(line), 0U) << line;
  }
  const Json whole = line_of_sample();
  for (const auto& [name, value] : whole.items()) {
    Json line = line_of_sample();
    line.erase(name);
    EXPECT_EQ(accepted(line), 0U) << line;
  }
  EXPECT_EQ(accepted(line_of_sample(), {.samples = 3, .vocabulary = 100, .audit = true}), 0U);
  EXPECT_EQ(FinishedSamples({"", "[]", "7", "{}", "\xFF"}, kBounds, "journal").size(), 0U);
}

}  // namespace
}  // namespace molgen3d
