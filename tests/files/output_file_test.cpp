#include "files/output_file.h"

#include <sys/stat.h>
#include <zlib.h>

#include "base/error.h"
#include "files/test_folder.h"

namespace molgen3d {
namespace {

using OutputFileTest = FolderTest;

TEST_F(OutputFileTest, AppearsWholeAtClose) {
  write("out", "old");
  {
    OutputFile file(path("out"));
    file.write("new");
    file.flush();
    EXPECT_EQ(read("out"), "old");
    EXPECT_EQ(read("out.partial"), "new");
    file.close();
  }
  EXPECT_EQ(read("out"), "new");
  EXPECT_FALSE(exists("out.partial"));
}

TEST_F(OutputFileTest, LeavesTheOldFileWhenTheRunFails) {
  write("out", "old");
  { OutputFile(path("out")).write("new"); }
  EXPECT_EQ(read("out"), "old");
  EXPECT_FALSE(exists("out.partial"));
}

TEST_F(OutputFileTest, KeepsWhatAStoppedRunWrote) {
  write("out", "old");
  {
    OutputFile file(path("out"));
    file.write("new");
    EXPECT_EQ(file.keep(), path("out.partial"));
  }
  EXPECT_EQ(read("out"), "old");
  EXPECT_EQ(read("out.partial"), "new");
  // The next run uses the name again.
  write_file(path("out"), "newer");
  EXPECT_EQ(read("out"), "newer");
  EXPECT_FALSE(exists("out.partial"));
}

TEST_F(OutputFileTest, HasOneWriter) {
  OutputFile first(path("out"));
  const std::string line = message_of([&] { OutputFile second(path("out")); });
  EXPECT_NE(line.find("out.partial: another process is writing"), std::string::npos) << line;
  first.write("first");
  first.close();
  EXPECT_EQ(read("out"), "first");
}

TEST_F(OutputFileTest, FollowsLinksAndKeepsPermissions) {
  write("real", "old");
  ::chmod(path("real").c_str(), 0600);
  std::filesystem::create_symlink("real", path("link"));
  write_file(path("link"), "new");
  EXPECT_EQ(read("real"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  struct stat info {};
  ::stat(path("real").c_str(), &info);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(OutputFileTest, CompressesByName) {
  write_file(path("out.gz"), "text");
  EXPECT_EQ(read("out.gz").substr(0, 2), "\x1F\x8B");
  gzFile file = gzopen(path("out.gz").c_str(), "rb");
  char text[8] = {};
  EXPECT_EQ(gzread(file, text, sizeof text), 4);
  gzclose(file);
  EXPECT_STREQ(text, "text");
  EXPECT_THROW(OutputFile(path("out.xz")), Error);
}

TEST_F(OutputFileTest, RefusesWhatIsNoFile) {
  EXPECT_THROW(OutputFile(path("none/out")), Error);
  ::mkfifo(path("out.partial").c_str(), 0600);
  EXPECT_THROW(OutputFile(path("out")), Error);
  EXPECT_TRUE(exists("out.partial"));
  write_file("/dev/null", "text");
  EXPECT_FALSE(std::filesystem::exists("/dev/null.partial"));
}

}  // namespace
}  // namespace molgen3d
