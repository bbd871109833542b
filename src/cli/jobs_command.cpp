// molgen3d jobs: what became of a submission.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/plain_text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/submit_session.h"
#include "cluster/merge.h"
#include "cluster/shell_text.h"
#include "cluster/status.h"
#include "cluster/submit.h"
#include "cluster/task_files.h"
#include "cluster/task_run.h"
#include "files/output_file.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

struct JobsOptions {
  std::string folder;
  bool json = false, all = false, quiet = false, index = false, again = false;
  size_t task = 0, lines = 20;
  bool one = false;
  MergeSettings merge;
};

std::string duration(double seconds) {
  const auto whole = static_cast<uint64_t>(seconds);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

void print_json(const Submission& submission, const SubmissionStatus& status) {
  nlohmann::ordered_json out = {{"folder", submission.folder()},
                                {"samples", status.samples},
                                {"done", status.done},
                                {"rate", status.rate},
                                {"remark", status.remark},
                                {"count", nlohmann::ordered_json::object()},
                                {"tasks", nlohmann::ordered_json::array()}};
  for (const auto& [standing, count] : status.count) out["count"][standing_name(standing)] = count;
  for (const TaskStatus& task : status.tasks) {
    nlohmann::ordered_json one = {
        {"task", task.task},         {"state", standing_name(task.standing)},
        {"records", task.records},   {"done", task.done},
        {"left", task.left},         {"rate", task.rate},
        {"left_seconds", nullptr},   {"failed", task.dropped},
        {"aside", task.aside},       {"attempts", task.attempts},
        {"requeues", task.requeues}, {"job", task.job},
        {"reason", task.reason},     {"log", submission.log(task.task)}};
    if (task.left_seconds) one["left_seconds"] = *task.left_seconds;
    out["tasks"].push_back(std::move(one));
  }
  fmt::print("{}\n", out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_text(const Submission& submission, const SubmissionStatus& status, bool all) {
  std::string counts;
  for (const auto& [standing, count] : status.count)
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, standing_name(standing));
  fmt::print("{}: {} tasks: {}\n", with_controls_escaped(submission.folder()), status.tasks.size(),
             counts);
  if (!status.remark.empty()) fmt::print("{}\n", with_controls_escaped(status.remark));
  if (status.samples > 0) {
    fmt::print("{} of {} samples done", status.done, status.samples);
    if (status.rate > 0) fmt::print(", {:.1f} a second", status.rate);
    fmt::print("\n");
  }
  bool header = false;
  for (const TaskStatus& task : status.tasks) {
    if (!all && task.standing == TaskStanding::kDone && task.aside == 0) continue;
    if (!header)
      fmt::print("{:>6} {:9} {:>9} {:>9} {:>9} {:>10} {:>10}  {}\n", "task", "state", "done",
                 "left", "samples/s", "time left", "job", "why");
    header = true;
    std::string why = task.reason;
    if (task.aside > 0)
      why += fmt::format("{}{} record{} set aside", why.empty() ? "" : "; ", task.aside,
                         task.aside == 1 ? "" : "s");
    if (task.requeues > 0)
      why += fmt::format("{}queued again {} times", why.empty() ? "" : "; ", task.requeues);
    fmt::print("{:>6} {:9} {:>9} {:>9} {:>9} {:>10} {:>10}  {}\n", task.task,
               standing_name(task.standing), task.done, task.left,
               task.rate > 0 ? fmt::format("{:.1f}", task.rate) : "-",
               task.left_seconds ? duration(*task.left_seconds) : "-",
               task.job.empty() ? "-" : task.job, with_controls_escaped(why));
  }
}

int show_status(const JobsOptions& options) {
  const Submission submission = Submission::open(options.folder);
  const SubmissionStatus status = status_of(submission);
  if (options.json)
    print_json(submission, status);
  else
    print_text(submission, status, options.all);
  return kExitDone;
}

int show_logs(const JobsOptions& options) {
  const Submission submission = Submission::open(options.folder);
  const size_t tasks = submission.manifest().tasks();
  if (options.one && options.task >= tasks)
    throw Error::format("{}: has tasks 0 to {}, not {}", options.folder, tasks - 1, options.task);
  for (size_t task = options.one ? options.task : 0;
       task < (options.one ? options.task + 1 : tasks); ++task) {
    const std::string path = submission.log(task);
    std::ifstream file(path);
    if (!file) {
      if (options.one) throw Error::format("{}: there is no log yet", path);
      continue;
    }
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    if (!options.one) fmt::print("==> task {} ({})\n", task, with_controls_escaped(path));
    const size_t first =
        options.lines > 0 && lines.size() > options.lines ? lines.size() - options.lines : 0;
    for (size_t i = first; i < lines.size(); ++i)
      fmt::print("{}\n", with_controls_escaped(lines[i]));
  }
  return kExitDone;
}

int cancel(const JobsOptions& options) {
  const Submission submission = Submission::open(options.folder);
  // First, so that no task asks for another job.
  write_file(submission.cancelled(), "\n");
  if (submission.manifest().profile.local) return kExitDone;
  const std::string said = cancel_jobs(submitted_arrays(submission));
  if (!said.empty() && said.find("Invalid job id") == std::string::npos) say("scancel: " + said);
  say("cancelled; what is done stays, and `molgen3d jobs resume` goes on with it");
  return kExitDone;
}

int resume(const JobsOptions& options) {
  const Submission submission = Submission::open(options.folder);
  std::error_code ignored;
  fs::remove(submission.cancelled(), ignored);
  const SubmissionStatus status = status_of(submission);
  if (!status.remark.empty()) throw Error(status.remark);
  std::vector<size_t> tasks;
  for (const TaskStatus& task : status.tasks) {
    if (task.standing == TaskStanding::kDone || task.standing == TaskStanding::kRunning ||
        task.standing == TaskStanding::kPending)
      continue;
    if (task.standing == TaskStanding::kGaveUp) {
      if (!options.again) {
        say(fmt::format("task {} was given up: {}; --again tries it once more", task.task,
                        task.reason));
        continue;
      }
      TaskState state = read_state(submission, task.task);
      const auto aside = state.aside;
      state = TaskState();
      state.aside = aside;
      write_state(submission, task.task, state);
    }
    tasks.push_back(task.task);
  }
  if (tasks.empty()) {
    say(status.complete() ? "all tasks are done" : "nothing to submit: the rest is in the queue");
    return kExitDone;
  }
  return start_tasks(submission, tasks, options.quiet);
}

int merge_outputs(const JobsOptions& options) {
  const Submission submission = Submission::open(options.folder);
  if (options.index && options.merge.output.empty())
    throw Error("jobs merge --index needs --output FILE");
  const MergeOutcome outcome =
      options.index ? write_index(submission, options.merge) : merge(submission, options.merge);
  if (!options.quiet) {
    say(fmt::format("{}: {} records of {} tasks, {} samples, {} failed{}", outcome.output,
                    outcome.records, outcome.tasks, outcome.kept, outcome.dropped,
                    outcome.failed.empty() ? "" : " (" + outcome.failed + ")"));
    if (!outcome.missing.empty())
      say(fmt::format("{} tasks are not done and were left out", outcome.missing.size()));
  }
  return outcome.dropped == 0 && outcome.missing.empty() ? kExitDone : kExitBadInput;
}

int run_one(const JobsOptions& options) {
  const Submission submission = Submission::open(options.folder);
  return run_task(submission, options.task, [](const std::string& line) { say(line); });
}

}  // namespace

void add_jobs_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<JobsOptions>();
  CLI::App* jobs = app.add_subcommand(
      "jobs",
      "Jobs that were submitted: how far they are, and what they made (docs/clusters.md).\n"
      "Example: molgen3d jobs status out.sdf.gz.jobs");
  jobs->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, int (*action)(const JobsOptions&)) {
    CLI::App* command = jobs->add_subcommand(name, what);
    command->add_option("folder", options->folder, "Folder of the submission")->required();
    command->callback([options, action, &exit_code] { exit_code = action(*options); });
    return command;
  };
  CLI::App* status =
      add("status", "Done, left, rate and the reason to wait, task by task", show_status);
  status->add_flag("--json", options->json, "For machines");
  status->add_flag("--all", options->all, "Tasks that are done, too");
  CLI::App* logs = add("logs", "The last lines that tasks printed", show_logs);
  CLI::Option* task = logs->add_option("task", options->task, "Only of this task");
  logs->parse_complete_callback([options, task] { options->one = task->count() > 0; });
  logs->add_option("--lines", options->lines, "So many of each; 0: all")->capture_default_str();
  add("cancel", "Take its jobs out of the queue; what is done stays", cancel);
  CLI::App* again = add("resume", "Submit what is neither done nor in the queue", resume);
  again->add_flag("--again", options->again, "Tasks that were given up, too");
  again->add_flag("-q,--quiet", options->quiet, "Only errors on standard error");
  CLI::App* merging =
      add("merge", "One output of all tasks, in the order of the input", merge_outputs);
  merging->add_option("-o,--output", options->merge.output,
                      "File [default: as the command was submitted with]");
  merging->add_flag("--partial", options->merge.partial, "Leave out tasks that are not done");
  merging->add_flag("--overwrite", options->merge.overwrite, "Replace the output");
  merging->add_flag("--index", options->index,
                    "Write a list of the tasks' outputs instead of copying them");
  merging->add_flag("-q,--quiet", options->quiet, "Only errors on standard error");
  CLI::App* run = add("run", "Run one task here: what the scripts of jobs call", run_one);
  run->add_option("task", options->task, "Its number")->required();
}

}  // namespace molgen3d
