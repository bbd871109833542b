#include "base/json_count.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace molgen3d {
namespace {

using nlohmann::json;

TEST(JsonCount, IsAWholeNumberThatFits) {
  EXPECT_EQ(json_count(json::parse("0")), 0U);
  EXPECT_EQ(json_count(json::parse("18446744073709551615")), UINT64_MAX);
  EXPECT_EQ(json_count<uint8_t>(json::parse("255")), 255);
  EXPECT_EQ(json_count<int32_t>(json::parse("2147483647")), INT32_MAX);
  for (const char* text :
       {"-1", "1.5", "2.3e29", "18446744073709551616", "true", "null", "\"1\"", "[1]"})
    EXPECT_THROW(json_count(json::parse(text)), NotACount) << text;
  EXPECT_THROW(json_count<uint8_t>(json::parse("256")), NotACount);
  EXPECT_THROW(json_count<int32_t>(json::parse("2147483648")), NotACount);
}

TEST(JsonCount, TheErrorShowsTheValue) {
  try {
    json_count(json::parse("-3"));
    FAIL();
  } catch (const NotACount& error) {
    EXPECT_STREQ(error.what(), "-3 is not a count");
  }
}

}  // namespace
}  // namespace molgen3d
