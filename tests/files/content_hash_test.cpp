#include "files/content_hash.h"

#include "base/error.h"
#include "files/test_folder.h"

namespace molgen3d {
namespace {

// Of the xxHash specification and the reference implementation.
TEST(ContentHash, IsXxh64) {
  EXPECT_EQ(content_hash(""), 0xEF46DB3751D8E999ULL);
  EXPECT_EQ(content_hash("a"), 0xD24EC4F1A98C6E5BULL);
  EXPECT_EQ(content_hash("abc"), 0x44BC2CF5AD770999ULL);
  EXPECT_EQ(content_hash("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1ULL);
  EXPECT_NE(content_hash("abc", 1), content_hash("abc", 0));
  EXPECT_EQ(hash_text(0x1fULL), "000000000000001f");
}

using FileHash = FolderTest;

TEST_F(FileHash, SeesEveryByteOfALongFile) {
  std::string text(3'000'000, 'x');
  const uint64_t before = file_hash(write("a", text));
  EXPECT_EQ(file_hash(write("b", text)), before);
  text[2'500'000] = 'y';
  EXPECT_NE(file_hash(write("b", text)), before);
  EXPECT_THROW(file_hash(path("absent")), Error);
}

}  // namespace
}  // namespace molgen3d
