// The small files of a task: how far it is, what it remembers, what it made.
#pragma once

#include <optional>
#include <string>

#include "cluster/submission.h"
#include "cluster/task_state.h"

namespace molgen3d {

/// What a finished task made; written when its output is whole, before its journal goes.
struct TaskResult {
  uint64_t records = 0, kept = 0, dropped = 0;
  uint64_t output_bytes = 0, failed_bytes = 0;
  int exit_code = 0;
  double seconds = 0;
  RunIdentity identity;  ///< of the run, device included; its records aside
  ChemistryVersions chemistry;
};
void write_result(const Submission& submission, size_t task, const TaskResult& result);
/// Nothing while there is none. Throws Error when it is damaged.
std::optional<TaskResult> read_result(const Submission& submission, size_t task);

/// A state without attempts when there is none.
TaskState read_state(const Submission& submission, size_t task);
void write_state(const Submission& submission, size_t task, const TaskState& state);

/// Nothing when there is none.
std::optional<TaskProgress> read_progress(const Submission& submission, size_t task);

/// Writes progress in place, without waiting for the disk: what it is for ends with the machine.
class ProgressFile {
 public:
  /// Throws Error when it cannot be created.
  ProgressFile(const Submission& submission, size_t task);
  ~ProgressFile();
  ProgressFile(const ProgressFile&) = delete;
  ProgressFile& operator=(const ProgressFile&) = delete;
  void write(const TaskProgress& progress) const;

 private:
  int descriptor_ = -1;
};

/// Seconds since 1970.
double unix_time();

}  // namespace molgen3d
