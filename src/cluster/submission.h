// A submission: a folder that holds all that its tasks need and everything they make.
//
//   manifest.json            what is run; written once, last of all that submit writes
//   records/0000/000012.gz   the records of task 12, when the work is cut by records
//   tasks/0000/000012.*      of task 12: out, out.journal, out.failed.jsonl, result.json,
//                            state.json (attempts and what they ended with), at (how far it is)
//   logs/0000/8+4.log        what the jobs of task 8 + 4 printed; logs are appended to
//   jobs.jsonl               one line an array of jobs that was submitted
//   cancelled                there while `jobs cancel` holds
//
// Only the task itself writes its files and nothing else is shared, so no locks are needed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cluster/profile.h"
#include "files/journal.h"
#include "molecule/chemistry_versions.h"

namespace molgen3d {

/// How many tasks share a folder for their files.
inline constexpr size_t kTasksPerFolder = 1000;

struct ShardPlan {
  size_t first = 0, records = 0;  ///< place in the input
  double tokens = 0;              ///< expected
};

struct Manifest {
  std::string program;                 ///< path
  std::string version;                 ///< of molgen3d
  std::string created;                 ///< UTC
  std::string command;                 ///< generate, smoke, ...
  std::vector<std::string> arguments;  ///< of tasks, behind the command
  std::string folder;                  ///< where it was submitted, and where tasks run
  std::string name;                    ///< of the jobs
  ClusterProfile profile;
  size_t margin = 0;  ///< seconds before the end of a job in which a task stops
  size_t most_requeues = 0;
  size_t samples = 1;              ///< per record
  size_t array = kTasksPerFolder;  ///< tasks of one array of jobs at most
  std::string output;              ///< what merge writes; empty: the command writes its own
  std::string failed;              ///< as --failed gave it
  std::vector<std::pair<std::string, std::string>> inputs;  ///< name and content
  RunIdentity identity;  ///< what decides the samples, device aside
  ChemistryVersions chemistry;
  std::vector<ShardPlan> shards;  ///< empty: one task that runs the command as it is

  size_t tasks() const { return shards.empty() ? 1 : shards.size(); }
};

class Submission {
 public:
  /// Makes the folder. Throws Error when something is there already.
  static Submission create(const std::string& folder);
  /// Reads the manifest. Throws Error when there is none.
  static Submission open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  const Manifest& manifest() const { return manifest_; }
  /// Without writing it: where files lie depends on it before all is known.
  void set_manifest(Manifest manifest) { manifest_ = std::move(manifest); }
  void write_manifest(Manifest manifest);

  std::string records(size_t task) const;
  std::string task_file(size_t task, const std::string& ending) const;
  /// The output of a task: .out or .out.gz, as the whole output is compressed or not.
  std::string task_output(size_t task) const;
  /// The first task of the array of jobs that `task` belongs to.
  size_t array_start(size_t task) const;
  /// logs/0000/8+4.log is that of task 12: Slurm can name a log by the index in an array only.
  std::string log(size_t task) const;
  /// Folders of the task, made where they are missing.
  void make_folders(size_t task) const;
  std::string cancelled() const { return folder_ + "/cancelled"; }
  std::string jobs() const { return folder_ + "/jobs.jsonl"; }

 private:
  explicit Submission(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  Manifest manifest_;
};

}  // namespace molgen3d
