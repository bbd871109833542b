#include "text/junk.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace molgen3d {
namespace {

TEST(Junk, TwoDefinitions) {
  const auto kind = [](const char* block) {
    const BlockJunk junk = classify_block(block);
    return std::string(junk.letters ? "L" : "-") + (junk.non_numeric ? "N" : "-");
  };
  EXPECT_EQ(kind("1.2,-0.5,3"), "--");
  EXPECT_EQ(kind("1.,.5,-0"), "--");
  EXPECT_EQ(kind("0.5204\"1,0,0"), "-N");
  EXPECT_EQ(kind("0.4142}2,0,0"), "-N");
  EXPECT_EQ(kind("1.1583Cn,0,0"), "LN");
  EXPECT_EQ(kind("1,2"), "-N");
  EXPECT_EQ(kind("1,2,3,"), "-N");
  EXPECT_EQ(kind("1.2.3,0,0"), "-N");
  EXPECT_EQ(kind("1,--2,0"), "-N");
  EXPECT_EQ(kind(""), "-N");
  const JunkCount count = count_junk("[C]<0,0,0>[C]<1x,0,0>[C]<1,\"2,3>[C]<4,4", 1);
  EXPECT_EQ(count.blocks, 3U);
  EXPECT_EQ(count.letters, 1U);
  EXPECT_EQ(count.non_numeric, 2U);
  EXPECT_EQ(count.examples, std::vector<std::string>{"1x,0,0"});
}

}  // namespace
}  // namespace molgen3d
