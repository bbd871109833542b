#include "files/journal.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "files/test_folder.h"

namespace molgen3d {
namespace {

using Start = Journal::Start;

class JournalTest : public FolderTest {
 protected:
  Journal open(Start start) const { return Journal::open(path("journal"), start, identity_); }
  std::vector<std::string> resumed() const { return open(Start::kResume).take_lines(); }
  std::string refusal(Start start) const {
    return message_of([&] { open(start); });
  }
  // A journal with two lines.
  void make() const {
    Journal journal = open(Start::kNew);
    journal.append(one_);
    journal.append(two_);
  }

  const RunIdentity identity_ = {{"seed", "7"}, {"model", "m"}};
  const std::string one_ = R"({"n":1})";
  const std::string two_ = R"({"n":2})";
};

TEST_F(JournalTest, GivesBackEveryLine) {
  make();
  EXPECT_EQ(resumed(), (std::vector<std::string>{one_, two_}));
  open(Start::kResume).append(R"({"n":3})");
  EXPECT_EQ(resumed().size(), 3U);
}

TEST_F(JournalTest, CutsATornLastLine) {
  make();
  std::ofstream(path("journal"), std::ios::app) << R"({"n":3,"check")";
  EXPECT_EQ(resumed().size(), 2U);
  // The torn piece is gone from the file as well, so the next line stands alone.
  open(Start::kResume).append(R"({"n":4})");
  EXPECT_EQ(resumed(), (std::vector<std::string>{one_, two_, R"({"n":4})"}));
}

TEST_F(JournalTest, DropsEveryLineWithAChangedByte) {
  make();
  const std::string text = read("journal");
  const size_t second = text.find('\n') + 1;
  for (size_t i = second; text[i] != '\n'; ++i) {
    std::string changed = text;
    changed[i] = changed[i] == '1' ? '3' : '1';
    if (changed == text) continue;
    write("journal", changed);
    Journal journal = open(Start::kResume);
    EXPECT_EQ(journal.take_lines(), (std::vector<std::string>{two_})) << i;
    EXPECT_EQ(journal.damaged(), 1U);
  }
}

TEST_F(JournalTest, DropsTheLinesOfAnotherRun) {
  make();
  const std::string lines = read("journal").substr(read("journal").find('\n') + 1);
  Journal::open(path("other"), Start::kNew, {{"seed", "8"}}).append(one_);
  write("other", read("other") + lines);
  Journal other = Journal::open(path("other"), Start::kResume, {{"seed", "8"}});
  EXPECT_EQ(other.take_lines().size(), 1U);
  EXPECT_EQ(other.damaged(), 2U);
}

TEST_F(JournalTest, NamesTheSettingThatDiffers) {
  make();
  const auto refused = [&](const RunIdentity& identity) {
    return message_of([&] { Journal::open(path("journal"), Start::kResume, identity); });
  };
  EXPECT_NE(refused({{"seed", "8"}, {"model", "m"}}).find("seed was \"7\", now \"8\""),
            std::string::npos);
  EXPECT_NE(refused({{"seed", "7"}}).find("model was \"m\", now \"(absent)\""), std::string::npos);
  EXPECT_EQ(resumed().size(), 2U);
}

TEST_F(JournalTest, RefusesToForgetAnUnfinishedRun) {
  make();
  EXPECT_NE(refusal(Start::kNew).find("--resume"), std::string::npos);
  EXPECT_EQ(open(Start::kOverwrite).take_lines().size(), 0U);
  EXPECT_FALSE(exists("journal"));  // nothing was finished
}

TEST_F(JournalTest, ATornHeaderMeansStartAnew) {
  make();
  const std::string whole = read("journal");
  const size_t header = whole.find('\n');
  for (size_t size = 0; size <= header; ++size) {
    for (const Start start : {Start::kNew, Start::kResume}) {
      write("journal", whole.substr(0, size));
      EXPECT_EQ(open(start).take_lines().size(), 0U) << size;
    }
  }
  write("journal", std::string(100, '\0'));
  EXPECT_EQ(resumed().size(), 0U);
}

TEST_F(JournalTest, RefusesOtherFilesAndVersions) {
  for (const char* text : {"CCO ethanol\n", "CCO", "{}\n", "[1]\n",
                           "{\"journal\":\"molgen3d\",\"version\":1,\"settings\":{}}\n",
                           "{\"journal\":\"molgen3d\",\"version\":2,\"settings\":{}}\n"}) {
    write("journal", text);
    EXPECT_NE(refusal(Start::kResume).find("--overwrite"), std::string::npos) << text;
    EXPECT_EQ(read("journal"), text);
  }
}

TEST_F(JournalTest, HasOneWriter) {
  Journal first = open(Start::kNew);
  first.append(one_);
  for (const Start start : {Start::kNew, Start::kResume, Start::kOverwrite})
    EXPECT_NE(refusal(start).find("another process is writing"), std::string::npos);
  first.append(two_);
  first.sync();
  const std::string text = read("journal");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
}

TEST_F(JournalTest, RemovesOnlyItself) {
  Journal journal = open(Start::kNew);
  journal.append(one_);
  std::filesystem::rename(path("journal"), path("moved"));
  write("journal", "of another run");
  journal.remove();
  EXPECT_EQ(read("journal"), "of another run");
}

TEST_F(JournalTest, IsGoneAfterRemove) {
  Journal journal = open(Start::kNew);
  journal.append(one_);
  journal.remove();
  EXPECT_FALSE(exists("journal"));
}

TEST_F(JournalTest, IsAnOrdinaryFile) {
  ::mkfifo(path("fifo").c_str(), 0600);
  for (const std::string& name :
       {path("fifo"), folder_.string(), std::string("/dev/null"), std::string("/dev/full/x")}) {
    EXPECT_THROW(Journal::open(name, Start::kResume, identity_), Error) << name;
  }
}

}  // namespace
}  // namespace molgen3d
