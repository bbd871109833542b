// Where a submission stands, from its files and from Slurm.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/slurm.h"
#include "cluster/submission.h"

namespace molgen3d {

enum class TaskStanding : uint8_t {
  kDone,
  kRunning,    ///< its job runs
  kPending,    ///< its job waits
  kOpen,       ///< not done and in no queue: `jobs resume` submits it
  kGaveUp,     ///< not done, and not to be tried again as it is
  kCancelled,  ///< not done, in a submission that was cancelled
};
const char* standing_name(TaskStanding standing);

struct TaskStatus {
  size_t task = 0;
  TaskStanding standing = TaskStanding::kOpen;
  uint64_t records = 0;
  uint64_t done = 0, left = 0;         ///< samples
  double rate = 0;                     ///< samples a second of the attempt that runs; 0: not known
  std::optional<double> left_seconds;  ///< of a running task
  uint64_t dropped = 0, aside = 0;     ///< failed samples of done tasks; records set aside
  uint32_t attempts = 0, requeues = 0;
  std::string job;     ///< 17_3
  std::string reason;  ///< why it waits, died or was given up
};

struct SubmissionStatus {
  std::vector<TaskStatus> tasks;
  std::map<TaskStanding, size_t> count;
  uint64_t samples = 0, done = 0;
  double rate = 0;     ///< of all that run
  std::string remark;  ///< why Slurm was not asked; empty: it was
  bool complete() const;
};

/// Throws Error when files are damaged. Without Slurm's programs: from the files alone.
SubmissionStatus status_of(const Submission& submission);

/// One task, from its files and what Slurm says of its job (null: nothing).
TaskStatus task_status(const Submission& submission, size_t task, const JobNow* job);

}  // namespace molgen3d
