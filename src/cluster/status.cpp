#include "cluster/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "cluster/submit.h"
#include "cluster/task_files.h"

namespace molgen3d {

namespace {

bool waits(const std::string& state) {
  return state == "PENDING" || state == "REQUEUED" || state == "REQUEUE_HOLD" ||
         state == "REQUEUE_FED" || state == "SPECIAL_EXIT";
}

bool runs(const std::string& state) {
  return state == "RUNNING" || state == "COMPLETING" || state == "CONFIGURING" ||
         state == "SUSPENDED" || state == "SIGNALING" || state == "STAGE_OUT" || state == "STOPPED";
}

uint64_t samples_of(const Manifest& manifest, size_t task) {
  return manifest.shards.empty() ? 0 : manifest.shards[task].records * manifest.samples;
}

void add_progress(const Submission& submission, TaskStatus& out, uint64_t samples) {
  const std::optional<TaskProgress> at = read_progress(submission, out.task);
  if (!at) return;
  out.done = std::min(samples, std::max(out.done, at->done));
  if (out.standing != TaskStanding::kRunning) return;
  const double spent = at->now - at->begun;
  if (spent > 0 && at->done > at->before)
    out.rate = static_cast<double>(at->done - at->before) / spent;
  if (out.rate > 0) out.left_seconds = static_cast<double>(samples - out.done) / out.rate;
}

}  // namespace

const char* standing_name(TaskStanding standing) {
  static constexpr const char* kNames[] = {"done", "running", "pending",
                                           "open", "gave up", "cancelled"};
  return kNames[static_cast<size_t>(standing)];
}

bool SubmissionStatus::complete() const {
  const auto done = count.find(TaskStanding::kDone);
  return done != count.end() && done->second == tasks.size();
}

TaskStatus task_status(const Submission& submission, size_t task, const JobNow* job) {
  const Manifest& manifest = submission.manifest();
  TaskStatus out;
  out.task = task;
  const uint64_t samples = samples_of(manifest, task);
  out.records = manifest.shards.empty() ? 0 : manifest.shards[task].records;
  const TaskState state = read_state(submission, task);
  out.attempts = state.attempts;
  out.requeues = state.requeues;
  out.aside = state.aside.size();
  out.done = state.done;
  if (job != nullptr) out.job = job->id;
  if (const auto result = read_result(submission, task)) {
    out.standing = TaskStanding::kDone;
    out.done = samples;
    out.dropped = result->dropped;
    if (result->exit_code != 0) out.reason = fmt::format("exit code {}", result->exit_code);
    return out;
  }
  if (job != nullptr && runs(job->state)) {
    out.standing = TaskStanding::kRunning;
  } else if (job != nullptr && waits(job->state)) {
    out.standing = TaskStanding::kPending;
    out.reason = job->reason;
    if (!job->start.empty() && job->start != "N/A") out.reason += ", start expected " + job->start;
  } else if (state.phase == TaskPhase::kGaveUp) {
    out.standing = TaskStanding::kGaveUp;
    out.reason = state.cause;
  } else if (std::filesystem::exists(submission.cancelled())) {
    out.standing = TaskStanding::kCancelled;
  } else {
    out.reason = job != nullptr ? "its job ended: " + job->state : state.cause;
  }
  add_progress(submission, out, samples);
  out.left = samples - out.done;
  return out;
}

SubmissionStatus status_of(const Submission& submission) {
  SubmissionStatus out;
  std::map<size_t, JobNow> jobs;
  try {
    if (!submission.manifest().profile.local) jobs = jobs_now(submitted_arrays(submission));
  } catch (const Error& error) {
    out.remark =
        fmt::format("Slurm does not answer, so this is from the files alone: {}", error.what());
  }
  for (size_t task = 0; task < submission.manifest().tasks(); ++task) {
    const auto job = jobs.find(task);
    TaskStatus one = task_status(submission, task, job == jobs.end() ? nullptr : &job->second);
    ++out.count[one.standing];
    out.done += one.done;
    out.samples += one.done + one.left;
    out.rate += one.rate;
    out.tasks.push_back(std::move(one));
  }
  return out;
}

}  // namespace molgen3d
