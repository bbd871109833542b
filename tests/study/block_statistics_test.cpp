#include "study/block_statistics.h"

#include <gtest/gtest.h>

#include "molecule/verdict.h"

namespace molgen3d {
namespace {

// The study's own examples, and one for each class that it did not show.
TEST(BlockStatistics, EveryClassOfTheStudy) {
  const std::vector<std::pair<const char*, BlockClass>> cases = {
      {"1.094,1.2358,-1.0388,", BlockClass::kTrailingComma},
      {"0.3014.7184,1.3211", BlockClass::kDotForComma},
      {"1.1782,-", BlockClass::kTrailingDash},
      {"1,2,3,0", BlockClass::kExtraNumber},
      {"1,2,3,.", BlockClass::kExtraNumber},
      {"3.0212-0.2769", BlockClass::kMissingComma},
      {"3.0212-0.2769,1,2", BlockClass::kMissingComma},
      {"0.9587abra,0,0", BlockClass::kLetters},
      {"1,2,icineC", BlockClass::kLetters},
      {"SCSCSC", BlockClass::kLetters},
      {"1,2\xef\xbc\x88,3", BlockClass::kNonAscii},
      {"0.5204\"1,0,0", BlockClass::kSymbols},
      {"0,0.4142}2,0", BlockClass::kSymbols},
      {"-3.6934,1.3364@@0.", BlockClass::kSmiles},
      {"1.524+]1.3506,1.30", BlockClass::kSmiles},
      {"1O-P@@+)(OC)", BlockClass::kSmiles},
      {"1.234...,2,3", BlockClass::kDoubledMark},
      {"1,,2", BlockClass::kDoubledMark},
      {"1,2,120157094632576653", BlockClass::kLongInteger},
      {"1,2", BlockClass::kTooFew},
      {"", BlockClass::kTooFew},
      {".,1,2", BlockClass::kTooFew},
      {"0.9269,0.5755,0.", BlockClass::kBareDot},
      {"1,.5,2", BlockClass::kBareDot},
      {"-1.2345,0.9876,12", BlockClass::kPlain},
      {"0,0,0", BlockClass::kPlain},
  };
  for (const auto& [block, wanted] : cases)
    EXPECT_STREQ(block_class_name(block_class(block)), block_class_name(wanted)) << block;
}

// The classes and the verdict's two definitions of junk come from different code and must agree.
TEST(BlockStatistics, ClassesAgreeWithTheVerdict) {
  std::vector<std::string> blocks = {""};
  for (const char* piece : {"1", ",", "-", ".", "C"}) {
    const size_t count = blocks.size();
    for (size_t i = 0; i < count; ++i) blocks.push_back(blocks[i] + piece);
  }
  for (const std::string& a : std::vector<std::string>(blocks)) {
    for (const std::string& b : std::vector<std::string>(blocks)) {
      const std::string block = a + "1,2" + b;
      const BlockJunk junk = classify_block(block);
      const BlockClass cls = block_class(block);
      const bool numeric = cls == BlockClass::kPlain || cls == BlockClass::kBareDot ||
                           cls == BlockClass::kLongInteger;
      EXPECT_EQ(junk.non_numeric, !numeric) << block;
      EXPECT_TRUE(cls != BlockClass::kLetters || junk.letters) << block;
    }
  }
}

TEST(BlockStatistics, DecimalsAndLostZ) {
  BlockStatistics sum;
  sum.add("[C]<1.2345,-0.1234,0.>[C]<0.5,1.25,2>[N]<1,2,3>[O]<1.5x,2,3>");
  EXPECT_EQ(sum.blocks, 4U);
  EXPECT_EQ(sum.letters, 1U);
  EXPECT_EQ(sum.non_numeric, 1U);
  EXPECT_EQ(sum.numeric(), 3U);
  EXPECT_EQ(sum.short_last, 2U);
  EXPECT_EQ(sum.decimals[0][4], 1U);
  EXPECT_EQ(sum.decimals[2][0], 3U);
  EXPECT_DOUBLE_EQ(sum.mean_decimals(0), (4 + 1 + 0) / 3.0);
  EXPECT_EQ(sum.classes[static_cast<size_t>(BlockClass::kBareDot)], 1U);
  EXPECT_EQ(sum.characters.counts.at(5), 1U);
}

TEST(Histogram, MeanAndQuantiles) {
  Histogram histogram;
  histogram.add(-1, 2);
  histogram.add(3, 8);
  EXPECT_EQ(histogram.total(), 10U);
  EXPECT_DOUBLE_EQ(histogram.mean(), 2.2);
  EXPECT_EQ(histogram.quantile(0.2), -1);
  EXPECT_EQ(histogram.quantile(0.21), 3);
}

}  // namespace
}  // namespace molgen3d
