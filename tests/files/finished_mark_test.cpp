#include "files/finished_mark.h"

#include <sys/xattr.h>

#include "files/test_folder.h"

namespace molgen3d {
namespace {

class FinishedMarkTest : public FolderTest {
 protected:
  // A file with a mark; false where the file system keeps none.
  bool marked() const {
    write("out", "samples");
    mark_finished(path("out"), {brief_identity(identity_), true});
    return finished_mark(path("out")).has_value();
  }
  void set(const std::string& text) const {
    ASSERT_EQ(::setxattr(path("out").c_str(), "user.molgen3d.run", text.data(), text.size(), 0), 0);
  }

  const RunIdentity identity_ = {{"seed", "7"}, {"inputs", std::string(10000, 'C')}};
};

TEST_F(FinishedMarkTest, SaysWhichRunItWas) {
  if (!marked()) GTEST_SKIP() << "no extended attributes in " << folder_;
  const auto mark = finished_mark(path("out"));
  EXPECT_TRUE(mark->failures);
  EXPECT_EQ(mark->identity, brief_identity(identity_));
  EXPECT_EQ(mark->identity[0].second, "7");
  EXPECT_LT(mark->identity[1].second.size(), 40U);
  RunIdentity other = identity_;
  other[1].second.back() = 'N';
  EXPECT_NE(brief_identity(other), mark->identity);
}

TEST_F(FinishedMarkTest, IsOfTheBytes) {
  if (!marked()) GTEST_SKIP() << "no extended attributes in " << folder_;
  write("out", "samplez");
  EXPECT_FALSE(finished_mark(path("out")));
  write("out", "samples");
  EXPECT_TRUE(finished_mark(path("out")));
}

TEST_F(FinishedMarkTest, OtherTextIsNoMark) {
  EXPECT_FALSE(finished_mark(write("plain", "x")));
  if (!marked()) GTEST_SKIP() << "no extended attributes in " << folder_;
  for (const char* text : {"", "7", "[]", "{}", "{\"failures\":1}", "\xFF",
                           "{\"failures\":true,"
                           "\"content\":7,\"identity\":{}}"}) {
    set(text);
    EXPECT_FALSE(finished_mark(path("out"))) << text;
  }
}

}  // namespace
}  // namespace molgen3d
