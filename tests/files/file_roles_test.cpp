#include "files/file_roles.h"

#include "base/error.h"
#include "files/test_folder.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

class Roles : public FolderTest {
 protected:
  std::string refusal(const std::string& input, const std::string& output,
                      const std::string& other = "") const {
    FileRoles roles;
    roles.reads(input);
    roles.writes(output, "--output");
    roles.writes(other, "--failed");
    return message_of([&] { roles.check(); });
  }
  void accepted(const std::string& input, const std::string& output,
                const std::string& other = "") const {
    FileRoles roles;
    roles.reads(input);
    roles.writes(output, "--output");
    roles.writes(other, "--failed");
    EXPECT_NO_THROW(roles.check()) << output;
  }
};

TEST_F(Roles, AnInputIsNoOutputUnderAnyName) {
  const std::string input = write("x.smi", "CCO\n");
  fs::create_symlink("x.smi", path("link"));
  fs::create_hard_link(input, path("hard"));
  fs::create_directory(path("sub"));
  for (const char* name : {"x.smi", "link", "hard", "sub/../x.smi"}) {
    const std::string line = refusal(input, path(name));
    EXPECT_NE(line.find("is the same file as the input " + input), std::string::npos) << line;
  }
  EXPECT_NE(refusal(path("link"), input).find("input"), std::string::npos);
  accepted(input, path("y.sdf"));
  accepted("CCO", path("y.sdf"));
  EXPECT_NE(refusal(folder_.string(), path("x.smi")).find("input"), std::string::npos);
}

TEST_F(Roles, OutputsAreDifferentFiles) {
  EXPECT_NE(refusal("CCO", path("a"), path("a")).find("are the same file"), std::string::npos);
  // Also when the name is free still, and behind a link that leads nowhere yet.
  fs::create_symlink("a", path("link"));
  EXPECT_NE(refusal("CCO", path("a"), path("link")).find("are the same file"), std::string::npos);
  accepted("CCO", path("a"), path("b"));
  accepted("CCO", "/dev/null", "/dev/null");
}

TEST_F(Roles, WhatCannotBeMadeIsRefused) {
  fs::create_directory(path("folder"));
  EXPECT_NE(refusal("CCO", path("folder")).find("is a directory"), std::string::npos);
  EXPECT_NE(refusal("CCO", path("none/x.sdf")).find("no folder"), std::string::npos);
  for (const char* ending : {".xz", ".bz2", ".zst", ".zip"}) {
    EXPECT_NE(refusal("CCO", path("x.sdf") + ending).find("cannot be written"), std::string::npos);
  }
  EXPECT_EQ(output_ending("a/x.sdf.gz"), ".sdf");
  EXPECT_EQ(output_ending("x"), "");
}

TEST_F(Roles, OnlyOrdinaryFilesAreMade) {
  EXPECT_TRUE(makes_a_file(path("new.sdf")));
  EXPECT_TRUE(makes_a_file(write("old.sdf", "")));
  for (const char* name : {"", "-", "/dev/null", "/dev/stdout", "/proc/self/fd/1"})
    EXPECT_FALSE(makes_a_file(name)) << name;
  EXPECT_FALSE(makes_a_file(folder_.string()));
}

}  // namespace
}  // namespace molgen3d
