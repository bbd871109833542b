// Profiles, records of shards, the cut by cost, arrays within a cluster's limits.
#include "cluster/submission.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>

#include "base/error.h"
#include "cluster/profile.h"
#include "cluster/shard_records.h"
#include "cluster/submit.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

class SubmissionTest : public ::testing::Test {
 protected:
  SubmissionTest()
      : folder_(fs::temp_directory_path() / ("molgen3d_submission_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~SubmissionTest() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::string refusal(const std::string& text) const {
    try {
      read_profiles(write("profiles.ini", text));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  fs::path folder_;
};

TEST_F(SubmissionTest, ProfilesAreRead) {
  const std::string path =
      write("p.ini",
            "# mine\n[big]\npartition = gpu  # the fast one\ngres = gpu:h100:4\n"
            "cpus=16\nmemory = 200G\ntime = 1-00:30:00\nparallel = 12\nrate = 2e5\n"
            "sbatch = --comment=x\nsbatch = --exclusive\n"
            "setup = module load cuda # kept\nsetup = export A='b c'\n[here]\nkind = local\n");
  const ClusterProfile big = find_profile("big", path);
  EXPECT_EQ(big.partition, "gpu");
  EXPECT_EQ(big.cpus, 16U);
  EXPECT_EQ(big.rate, 2e5);
  EXPECT_EQ(big.sbatch, (std::vector<std::string>{"--comment=x", "--exclusive"}));
  EXPECT_EQ(big.setup, (std::vector<std::string>{"module load cuda # kept", "export A='b c'"}));
  EXPECT_EQ(seconds_of_time(big.time), 86400U + 1800U);
  EXPECT_TRUE(find_profile("here", path).local);
  EXPECT_THROW(find_profile("small", path), Error);
}

TEST_F(SubmissionTest, ProfilesOfTheStudyAreBuiltIn) {
  for (const char* name : {"h100", "a100"}) {
    const ClusterProfile profile = find_profile(name, "");
    EXPECT_EQ(profile.gres, "gpu:" + std::string(name) + ":1");
    EXPECT_EQ(profile.cpus, 4U);
    EXPECT_EQ(profile.memory, "40G");
    EXPECT_EQ(seconds_of_time(profile.time), 3600U);
  }
  EXPECT_TRUE(find_profile("local", "").local);
}

TEST_F(SubmissionTest, BadProfilesAreRefusedWithTheLine) {
  EXPECT_NE(refusal("[a]\ncolour = red\n").find("profiles.ini:2: \"colour\": not one of"),
            std::string::npos);
  EXPECT_NE(refusal("[a]\npartition = gpu; rm -rf x\n").find(":2: value"), std::string::npos);
  EXPECT_NE(refusal("partition = gpu\n").find(":1: "), std::string::npos);
  EXPECT_NE(refusal("[a]\n[a]\n").find("twice"), std::string::npos);
  EXPECT_NE(refusal("[a]\ntime = soon\n").find("time \"soon\""), std::string::npos);
  EXPECT_NE(refusal("[a]\ncpus = 0\n").find("not a number above 0"), std::string::npos);
  EXPECT_NE(refusal("[a\n").find("no ]"), std::string::npos);
}

TEST(SecondsOfTime, TakesWhatSbatchTakes) {
  EXPECT_EQ(seconds_of_time("60"), 3600U);
  EXPECT_EQ(seconds_of_time("5:30"), 330U);
  EXPECT_EQ(seconds_of_time("1:02:03"), 3723U);
  EXPECT_EQ(seconds_of_time("2-3"), 2 * 86400U + 3 * 3600U);
  EXPECT_EQ(seconds_of_time("2-3:04"), 2 * 86400U + 3 * 3600U + 240U);
  EXPECT_EQ(seconds_of_time("2-3:04:05"), 2 * 86400U + 3 * 3600U + 245U);
  for (const char* bad : {"", "0", "x", "1:2:3:4", "-3", "3-", "1.5"})
    EXPECT_THROW(seconds_of_time(bad), Error) << bad;
}

TEST_F(SubmissionTest, RecordsSurviveAsTheyAre) {
  FedRecord fed;
  fed.record.index = 123456789012;
  fed.record.line = 77;
  fed.source = "a b/\xc3\xbc'\"$(x).smi:77";
  fed.record.title = std::string("\xff\xfe title \t \x01", 11);
  fed.record.smiles = "C/C=C\\C";
  fed.record.text = "other text";
  fed.record.mol_block = "line 1\nline 2\r\n";
  fed.record.cause = "no \"cause\"";
  fed.repeat = 3;
  const std::string path = write("records", shard_line(fed) + shard_line(FedRecord()));
  ShardReader reader(path);
  FedRecord back;
  ASSERT_TRUE(reader.next(back));
  EXPECT_EQ(back.record.index, fed.record.index);
  EXPECT_EQ(back.record.line, fed.record.line);
  EXPECT_EQ(back.source, fed.source);
  EXPECT_EQ(back.record.title, fed.record.title);
  EXPECT_EQ(back.record.smiles, fed.record.smiles);
  EXPECT_EQ(back.record.text, fed.record.text);
  EXPECT_EQ(back.record.mol_block, fed.record.mol_block);
  EXPECT_EQ(back.record.cause, fed.record.cause);
  EXPECT_EQ(back.repeat, 3U);
  ASSERT_TRUE(reader.next(back));
  EXPECT_EQ(back.repeat, 0U);
  EXPECT_FALSE(reader.next(back));
  ShardReader bad(write("bad", "{\"i\":1}\n"));
  EXPECT_THROW(bad.next(back), Error);
}

TEST_F(SubmissionTest, ShardsCoverTheInputInOrderAndCostAboutTheSame) {
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += std::string(static_cast<size_t>(1 + i % 30), 'C') + " mol" + std::to_string(i) + "\n";
  const std::string input = write("in.smi", text);
  const Submission submission = Submission::create((folder_ / "jobs").string());
  ShardSettings settings;
  settings.tasks = 20;
  settings.threads = 1;
  const auto shards = write_shards(submission, {input}, {}, settings, nullptr);
  ASSERT_EQ(shards.size(), 20U);
  double total = 0;
  for (const ShardPlan& shard : shards) total += shard.tokens;
  size_t next = 0;
  std::map<std::string, uint64_t> seen;
  for (size_t task = 0; task < shards.size(); ++task) {
    EXPECT_EQ(shards[task].first, next);
    EXPECT_NEAR(shards[task].tokens, total / 20, 31 * 20 + 20);
    ShardReader reader(submission.records(task));
    FedRecord fed;
    for (size_t i = 0; i < shards[task].records; ++i, ++next) {
      ASSERT_TRUE(reader.next(fed));
      EXPECT_EQ(fed.record.index, next);
      EXPECT_EQ(fed.source, input + ":" + std::to_string(next + 1));
      EXPECT_EQ(fed.record.title, "mol" + std::to_string(next));
      EXPECT_EQ(fed.repeat, seen[fed.record.smiles]++);  // counted over the whole input
    }
    EXPECT_FALSE(reader.next(fed));
  }
  EXPECT_EQ(next, 500U);
  EXPECT_FALSE(fs::exists(submission.folder() + "/records.spool"));
}

TEST_F(SubmissionTest, FewRecordsGiveFewShards) {
  const std::string input = write("in.smi", "CCCCCCCCCCCCCCCCCCCC\nC\nnot a molecule\nC\n");
  const Submission submission = Submission::create((folder_ / "jobs").string());
  ShardSettings settings;
  settings.tasks = 9;
  EXPECT_EQ(write_shards(submission, {input}, {}, settings, nullptr).size(), 4U);
  EXPECT_THROW(write_shards(submission, {write("empty.smi", "")}, {}, settings, nullptr), Error);
}

Submission submission_of(const std::string& folder, size_t tasks, size_t array, size_t parallel) {
  Submission submission = Submission::create(folder);
  Manifest manifest;
  manifest.program = "/opt/mol gen/bin/molgen3d";
  manifest.folder = "/data/it's $(here)";
  manifest.name = "n";
  manifest.array = array;
  manifest.profile.parallel = parallel;
  manifest.profile.time = "60";
  manifest.profile.setup = {"module load cuda"};
  manifest.margin = 30;
  manifest.shards.resize(tasks);
  submission.write_manifest(manifest);
  return submission;
}

TEST_F(SubmissionTest, ArraysKeepToTheLimitOfTheCluster) {
  const Submission submission = submission_of((folder_ / "a b'c").string(), 20, 8, 4);
  std::vector<size_t> tasks(20);
  std::iota(tasks.begin(), tasks.end(), size_t{0});
  const auto arrays = plan_arrays(submission, tasks);
  ASSERT_EQ(arrays.size(), 3U);
  EXPECT_EQ(arrays[2].first, 16U);
  EXPECT_NE(arrays[0].script.find("#SBATCH --array=0-7%2\n"), std::string::npos)
      << arrays[0].script;
  EXPECT_NE(arrays[2].script.find("#SBATCH --array=0-3%1\n"), std::string::npos)
      << arrays[2].script;
  EXPECT_NE(arrays[2].script.find("module load cuda\nexec '/opt/mol gen/bin/molgen3d' jobs run "),
            std::string::npos);
  EXPECT_NE(arrays[2].script.find("a b'\\''c' \"$((SLURM_ARRAY_TASK_ID + 16))\"\n"),
            std::string::npos);
  EXPECT_NE(arrays[0].script.find("#SBATCH --signal=B:USR1@30\n"), std::string::npos);
  EXPECT_EQ(arrays[0].arguments[0], "--chdir=/data/it's $(here)");
  // The name that Slurm makes of the pattern is the one we look for.
  std::string log = arrays[2].arguments[1].substr(std::string("--output=").size());
  log.replace(log.find("%a"), 2, "3");
  EXPECT_EQ(log, submission.log(19));
}

TEST_F(SubmissionTest, ArraysWaitWhereFewMayRunAtOnce) {
  const Submission submission = submission_of((folder_ / "j").string(), 30, 8, 2);
  const auto arrays = plan_arrays(submission, {0, 3, 9, 10, 17, 29});
  ASSERT_EQ(arrays.size(), 4U);
  for (const ArrayPlan& array : arrays) EXPECT_EQ(array.parallel, 1U);
  EXPECT_EQ(arrays[0].after + arrays[1].after, "");
  EXPECT_EQ(arrays[2].after, "#0");
  EXPECT_EQ(arrays[3].after, "#1");
  EXPECT_NE(arrays[1].script.find("#SBATCH --array=1-2%1\n"), std::string::npos);
}

TEST_F(SubmissionTest, TheManifestIsReadBack) {
  const Submission made = submission_of((folder_ / "m").string(), 3, 8, 2);
  const Submission back = Submission::open((folder_ / "m").string());
  EXPECT_EQ(back.manifest().folder, made.manifest().folder);
  EXPECT_EQ(back.manifest().profile.setup, made.manifest().profile.setup);
  EXPECT_EQ(back.manifest().tasks(), 3U);
  EXPECT_THROW(Submission::create((folder_ / "m").string()), Error);
  EXPECT_THROW(Submission::open((folder_ / "none").string()), Error);
}

TEST(Slurm, IndicesAreWrittenAndRead) {
  EXPECT_EQ(array_indices({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
  EXPECT_EQ(indices_of_array("[0-2,5,7-8%4]"), (std::vector<size_t>{0, 1, 2, 5, 7, 8}));
  EXPECT_EQ(indices_of_array("3"), (std::vector<size_t>{3}));
  EXPECT_TRUE(indices_of_array("N/A").empty());
}

}  // namespace
}  // namespace molgen3d
