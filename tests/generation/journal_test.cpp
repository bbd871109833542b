#include "generation/journal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace molgen3d {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  JournalTest()
      : path_(std::filesystem::temp_directory_path() /
              ("molgen3d_journal_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove(path_);
  }
  ~JournalTest() override { std::filesystem::remove(path_); }

  std::vector<std::string> resumed(const Journal::Settings& settings) {
    std::vector<std::string> lines;
    Journal::resume(path_, settings, lines);
    return lines;
  }

  std::filesystem::path path_;
  const Journal::Settings settings_ = {{"seed", "7"}, {"model", "m"}};
};

TEST_F(JournalTest, GivesBackEveryLine) {
  {
    Journal journal = Journal::create(path_, settings_);
    journal.append("one");
    journal.append("two");
  }
  EXPECT_EQ(resumed(settings_), (std::vector<std::string>{"one", "two"}));
  {
    std::vector<std::string> lines;
    Journal journal = Journal::resume(path_, settings_, lines);
    journal.append("three");
  }
  EXPECT_EQ(resumed(settings_), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(JournalTest, CutsATornLastLine) {
  Journal::create(path_, settings_).append("whole");
  std::ofstream(path_, std::ios::app) << "torn";
  EXPECT_EQ(resumed(settings_), (std::vector<std::string>{"whole"}));
  // The torn piece is gone from the file as well, so the next line stands alone.
  {
    std::vector<std::string> lines;
    Journal::resume(path_, settings_, lines).append("next");
  }
  EXPECT_EQ(resumed(settings_), (std::vector<std::string>{"whole", "next"}));
}

TEST_F(JournalTest, NamesTheSettingThatDiffers) {
  Journal::create(path_, settings_);
  try {
    resumed({{"seed", "8"}, {"model", "m"}});
    FAIL() << "resumed with another seed";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("seed was \"7\", now \"8\""), std::string::npos)
        << error.what();
  }
}

TEST_F(JournalTest, RefusesToOverwriteAnUnfinishedRun) {
  Journal::create(path_, settings_);
  EXPECT_THROW(Journal::create(path_, settings_), Error);
}

TEST_F(JournalTest, RefusesOtherFiles) {
  std::ofstream(path_) << "CCO ethanol\n";
  EXPECT_THROW(resumed(settings_), Error);
  std::ofstream(path_, std::ios::trunc) << "{\"journal\":\"molgen3d\"";
  EXPECT_THROW(resumed(settings_), Error);
}

TEST_F(JournalTest, IsGoneAfterRemove) {
  Journal journal = Journal::create(path_, settings_);
  journal.remove();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST(JournalOnFullDisk, SaysSo) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  std::vector<std::string> lines;
  EXPECT_THROW(Journal::create("/dev/full/x", {}), Error);
}

}  // namespace
}  // namespace molgen3d
