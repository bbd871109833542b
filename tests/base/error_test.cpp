#include "base/error.h"

#include <gtest/gtest.h>

namespace molgen3d {
namespace {

TEST(Quoted, ShowsControlCharactersAndQuotes) {
  EXPECT_EQ(in_quotes("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\x0a\\x7f\"");
}

TEST(Quoted, CutsLongTextOnACharacterBoundary) {
  // "aé" is three bytes; a limit of two would split the é.
  EXPECT_EQ(in_quotes("a\xC3\xA9z", 2), "\"a...\"");
  EXPECT_EQ(in_quotes("abc", 3), "\"abc\"");
}

TEST(Error, FormatsItsMessage) {
  EXPECT_STREQ(Error::format("{}: line {}", "x.smi", 3).what(), "x.smi: line 3");
}

}  // namespace
}  // namespace molgen3d
