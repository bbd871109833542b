#include "server/completion_text.h"

#include <gtest/gtest.h>

namespace molgen3d {
namespace {

TEST(CompletionText, CutsBeforeTheFirstStop) {
  const VisibleText seen = visible_text("abcdef", {"ef", "cd"}, true);
  EXPECT_EQ(seen.size, 2U);
  EXPECT_TRUE(seen.stopped);
  EXPECT_EQ(visible_text("abcdef", {"xyz"}, true).size, 6U);
  EXPECT_EQ(visible_text("abcdef", {}, false).size, 6U);
}

TEST(CompletionText, HoldsBackWhatMayBecomeAStop) {
  EXPECT_EQ(visible_text("abcd", {"def"}, false).size, 3U);
  EXPECT_EQ(visible_text("abcde", {"def", "cdeX"}, false).size, 2U);
  EXPECT_EQ(visible_text("abcde", {"def"}, true).size, 5U);  // nothing follows
}

TEST(CompletionText, HoldsBackHalfACharacter) {
  const std::string euro = "\xe2\x82\xac";
  EXPECT_EQ(visible_text("a" + euro.substr(0, 1), {}, false).size, 1U);
  EXPECT_EQ(visible_text("a" + euro.substr(0, 2), {}, false).size, 1U);
  EXPECT_EQ(visible_text("a" + euro, {}, false).size, 4U);
  EXPECT_EQ(visible_text("a\xff", {}, false).size, 1U);  // may still begin something: held back
}

}  // namespace
}  // namespace molgen3d
