#include "cluster/task_run.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "cluster/command.h"
#include "cluster/slurm.h"
#include "cluster/task_files.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

constexpr timespec kGlance{0, 200000000};
// A stop takes a step of the model; what is finished is in the journal anyway.
constexpr double kPatience = 60;
// Slurm's signal may come a minute before its time.
constexpr double kEarlySignal = 90;

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

bool resumes(const std::string& command) {
  return command == "smoke" || command == "study" || command == "dataset";
}

class TaskRun {
 public:
  TaskRun(const Submission& submission, size_t task, std::function<void(const std::string&)> say)
      : submission_(submission),
        manifest_(submission.manifest()),
        task_(task),
        say_(std::move(say)),
        signals_(our_signals()),
        state_(read_state(submission, task)) {
    // They wait until they are asked for, so that none is lost between two attempts.
    sigprocmask(SIG_BLOCK, &signals_, nullptr);
    end_ = end_of_own_job();
    if (!end_ && !manifest_.profile.local && !manifest_.profile.time.empty())
      end_ = unix_time() + static_cast<double>(seconds_of_time(manifest_.profile.time));
  }

  int run() {
    for (;;) {
      if (finished()) return done();
      if (state_.phase == TaskPhase::kGaveUp) return gave_up();
      if (told_ || fs::exists(submission_.cancelled()) || (end_ && left() <= margin()))
        return stopped();
      attempt();
    }
  }

 private:
  double left() const { return *end_ - unix_time(); }
  // Of a job that is shorter than a few margins, most shall be work.
  double margin() const { return static_cast<double>(manifest_.margin); }

  bool finished() const { return read_result(submission_, task_).has_value(); }

  int done() {
    state_.phase = TaskPhase::kDone;
    write_state(submission_, task_, state_);
    return kTaskDone;
  }

  int gave_up() {
    write_state(submission_, task_, state_);
    say_(fmt::format("task {}: given up: {}", task_, state_.cause));
    return kTaskGaveUp;
  }

  std::vector<std::string> words() const {
    std::vector<std::string> out = {manifest_.program, manifest_.command};
    for (const std::string& word : manifest_.arguments) {
      // What an earlier attempt made is not to be thrown away.
      if (state_.attempts > 1 && word == "--overwrite") continue;
      out.push_back(word);
    }
    if (!manifest_.shards.empty()) {
      out.insert(out.end(), {"--task-of", submission_.folder(), "--task", std::to_string(task_)});
    } else if (state_.attempts > 1 && resumes(manifest_.command) &&
               std::find(out.begin(), out.end(), "--resume") == out.end()) {
      out.emplace_back("--resume");
    }
    return out;
  }

  void attempt() {
    ++state_.attempts;
    write_state(submission_, task_, state_);
    std::error_code ignored;
    fs::remove(submission_.task_file(task_, "at"), ignored);
    const pid_t child = start_program(words(), manifest_.folder);
    judge(watch(child));
  }

  // Waits for the end of the program, and stops it when that is due. Its status.
  int watch(pid_t child) {
    std::optional<double> stop_by;
    const auto stop = [&] {
      if (stop_by) return;
      told_ = true;
      stop_by = unix_time() + kPatience;
      ::kill(child, SIGINT);
    };
    for (;;) {
      int status = 0;
      const pid_t ended = ::waitpid(child, &status, WNOHANG);
      if (ended == child) return status;
      if (ended < 0 && errno != EINTR) return 0;
      if (end_ && left() <= margin()) stop();
      if (stop_by && unix_time() > *stop_by) ::kill(child, SIGKILL);
      switch (sigtimedwait(&signals_, nullptr, &kGlance)) {
        case SIGTERM:
        case SIGINT:
          stop();
          break;
        case SIGUSR1:
        case SIGUSR2:
          // Near the end of the time the clock tells us itself; before, somebody wants the node.
          if (!end_ || left() > margin() + kEarlySignal) stop();
          break;
        default:
          break;
      }
    }
  }

  // A signal to the whole job may reach the program first.
  void take_signals() {
    const timespec second{1, 0};
    for (int signal; (signal = sigtimedwait(&signals_, nullptr, &second)) > 0;) {
      if (signal == SIGTERM || signal == SIGINT) told_ = true;
    }
  }

  void judge(int status) {
    const bool shard = !manifest_.shards.empty();
    const bool exited = WIFEXITED(status);
    const int code = exited ? WEXITSTATUS(status) : 0;
    if (!shard && exited && (code == 0 || code == 2)) {
      TaskResult result;
      result.exit_code = code;
      result.chemistry = chemistry_versions();
      write_result(submission_, task_, result);
    }
    if (finished()) return;
    if (exited && code == kTaskStopped && !told_) take_signals();
    if (told_) return;
    std::string cause = end_of_process(status);
    if (cause.empty() || code == 2) cause = fmt::format("no result (exit code {})", code);
    TaskProgress progress = read_progress(submission_, task_).value_or(TaskProgress());
    if (!shard) progress = {};  // nothing is known of its records
    after_death(state_, progress, cause);
    write_state(submission_, task_, state_);
    say_(fmt::format(
        "task {}: the program ended with {} after {} records; {}", task_, cause, progress.read,
        state_.phase == TaskPhase::kGaveUp ? "that is enough" : "it is started again"));
  }

  // Told to stop, or out of time.
  int stopped() {
    if (fs::exists(submission_.cancelled())) {
      write_state(submission_, task_, state_);
      say_(fmt::format("task {}: cancelled", task_));
      return kTaskStopped;
    }
    uint64_t samples = state_.done;
    if (const auto progress = read_progress(submission_, task_))
      samples = std::max(samples, progress->done);
    // A program that says nothing of its progress is taken at its word.
    if (manifest_.shards.empty()) ++samples;
    const JobEnd end = after_stop(state_, samples, end_ ? std::optional(left()) : std::nullopt,
                                  margin(), static_cast<uint32_t>(manifest_.most_requeues));
    write_state(submission_, task_, state_);
    if (end == JobEnd::kGaveUp) return gave_up();
    if (end == JobEnd::kLeave) {
      say_(fmt::format("task {}: stopped with {} samples done", task_, samples));
      return kTaskStopped;
    }
    say_(fmt::format("task {}: out of time with {} samples done; asks to be queued again", task_,
                     samples));
    std::string cause;
    if (!requeue_own_job(&cause))
      say_(fmt::format("task {}: not queued again: {}; `molgen3d jobs resume` does that", task_,
                       cause));
    return kTaskStopped;
  }

  const Submission& submission_;
  const Manifest& manifest_;
  size_t task_;
  std::function<void(const std::string&)> say_;
  sigset_t signals_;
  TaskState state_;
  std::optional<double> end_;
  bool told_ = false;
};

}  // namespace

int run_task(const Submission& submission, size_t task,
             const std::function<void(const std::string&)>& say) {
  if (task >= submission.manifest().tasks()) {
    throw Error::format("{}: has tasks 0 to {}, not {}", submission.folder(),
                        submission.manifest().tasks() - 1, task);
  }
  submission.make_folders(task);
  return TaskRun(submission, task, say).run();
}

}  // namespace molgen3d
