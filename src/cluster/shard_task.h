// What the program of a task needs beside its settings: the records of its shard, where its files
// go, and how careful it has to be.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "cluster/shard_records.h"
#include "cluster/submission.h"
#include "cluster/task_files.h"
#include "generation/run.h"

namespace molgen3d {

class ShardTask {
 public:
  /// Throws Error when there is no such task.
  ShardTask(const std::string& folder, size_t task);

  std::string output() const { return submission_.task_output(task_); }
  std::string failed() const { return submission_.task_file(task_, "failed.jsonl"); }
  /// Of the records, for the journal.
  RunIdentity identity() const;

  /// Records that were set aside come as records that cannot be used. Keeps the progress file.
  RecordFeed feed();
  /// Samples in flight: see RunPlan::window.
  size_t window(size_t usual) const;

  /// Samples that earlier attempts finished; then how many this one has.
  void begin(size_t restored);
  void progress(size_t finished);
  /// The run was stopped.
  void stop();
  /// The output is whole: notes what was made, by a run with `identity`.
  void finish(const RunOutcome& outcome, const RunIdentity& identity);

 private:
  bool careful() const;
  void note(bool force);

  Submission submission_;
  size_t task_;
  TaskState state_;
  ShardReader reader_;
  ProgressFile file_;
  TaskProgress progress_;
  std::chrono::steady_clock::time_point noted_{};
};

}  // namespace molgen3d
