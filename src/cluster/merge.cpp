#include "cluster/merge.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cluster/task_files.h"
#include "files/append_file.h"
#include "files/file_lock.h"
#include "files/output_file.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = size_t{1} << 22;
constexpr size_t kShown = 10;

RunIdentity without_device(const RunIdentity& identity) {
  RunIdentity out;
  for (const auto& entry : identity) {
    if (entry.first != "device") out.push_back(entry);
  }
  return out;
}

std::string device_of(const RunIdentity& identity) {
  for (const auto& [name, value] : identity) {
    if (name == "device") return value;
  }
  return "";
}

// Throws Error unless the task's result belongs to the submission and to the `first` of its tasks.
void check(const Submission& submission, size_t task, const TaskResult& result,
           const TaskResult& first) {
  const std::string place = fmt::format("task {}", task);
  require_same_chemistry(submission.manifest().chemistry, result.chemistry, place);
  try {
    require_same_identity(submission.manifest().identity, without_device(result.identity), place);
  } catch (const Error& error) {
    throw Error::format("{} (merge: of another run)", error.what());
  }
  if (device_of(first.identity) != device_of(result.identity)) {
    throw Error::format("{}: was made on {}, the first task on {}; their last digits differ", place,
                        device_of(result.identity), device_of(first.identity));
  }
  const std::string output = submission.task_output(task);
  std::error_code error;
  const auto bytes = fs::file_size(output, error);
  if (error || bytes != result.output_bytes) {
    throw Error::format("{}: is {}, the task wrote {} bytes; remove its result.json and resume",
                        output, error ? "missing" : fmt::format("of {} bytes", bytes),
                        result.output_bytes);
  }
}

// The tasks that are there, checked. Throws Error as merge() does.
std::vector<size_t> usable(const Submission& submission, const MergeSettings& settings,
                           MergeOutcome& outcome) {
  std::vector<size_t> tasks;
  std::optional<TaskResult> first;
  for (size_t task = 0; task < submission.manifest().tasks(); ++task) {
    const auto result = read_result(submission, task);
    if (!result) {
      outcome.missing.push_back(task);
      continue;
    }
    if (!first) first = result;
    check(submission, task, *result, *first);
    outcome.records += result->records;
    outcome.kept += result->kept;
    outcome.dropped += result->dropped;
    tasks.push_back(task);
  }
  outcome.tasks = tasks.size();
  if (outcome.missing.empty() || settings.partial) return tasks;
  std::vector<size_t> shown(outcome.missing.begin(),
                            outcome.missing.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                          kShown, outcome.missing.size())));
  throw Error::format("{} of {} tasks are not done ({}{}); --partial leaves them out",
                      outcome.missing.size(), submission.manifest().tasks(), fmt::join(shown, ", "),
                      outcome.missing.size() > kShown ? ", ..." : "");
}

// A file that is written as NAME.partial, byte by byte as given: OutputFile would compress again.
class RawOutput {
 public:
  explicit RawOutput(std::string name) : name_(std::move(name)), file_(name_ + ".partial") {}
  ~RawOutput() {
    std::error_code ignored;
    if (!closed_) fs::remove(file_.path(), ignored);
  }
  void add(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) fail(path);
    buffer_.resize(kPiece);
    for (;;) {
      const ssize_t count = ::read(descriptor, buffer_.data(), buffer_.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(path);
      if (count == 0) break;
      file_.put({buffer_.data(), static_cast<size_t>(count)});
    }
    ::close(descriptor);
  }
  void close() {
    file_.sync();
    std::error_code error;
    fs::rename(file_.path(), name_, error);
    if (error) throw Error::format("{}: cannot be put in place: {}", name_, error.message());
    closed_ = true;
  }

 private:
  [[noreturn]] static void fail(const std::string& path) {
    throw Error::format("{}: cannot be read: {}", path, std::strerror(errno));
  }
  std::string name_;
  AppendFile file_;
  std::string buffer_;
  bool closed_ = false;
};

std::string output_of(const Submission& submission, const MergeSettings& settings) {
  const Manifest& manifest = submission.manifest();
  if (manifest.shards.empty()) {
    throw Error::format("{}: its one task writes its own output: there is nothing to merge",
                        submission.folder());
  }
  std::string output = settings.output.empty() ? manifest.output : settings.output;
  if (settings.output.empty() && fs::path(output).is_relative())
    output = (fs::path(manifest.folder) / output).string();
  if (fs::exists(output) && !settings.overwrite)
    throw Error::format("{}: is there already; --overwrite replaces it", output);
  return output;
}

}  // namespace

MergeOutcome merge(const Submission& submission, const MergeSettings& settings) {
  const Manifest& manifest = submission.manifest();
  MergeOutcome outcome;
  outcome.output = output_of(submission, settings);
  if (outcome.output.ends_with(".gz") != manifest.output.ends_with(".gz")) {
    throw Error::format("{}: tasks wrote {} records; name an output {}.gz", outcome.output,
                        manifest.output.ends_with(".gz") ? "compressed" : "plain",
                        manifest.output.ends_with(".gz") ? "with " : "without ");
  }
  const std::vector<size_t> tasks = usable(submission, settings, outcome);
  RawOutput output(outcome.output);
  for (const size_t task : tasks) output.add(submission.task_output(task));
  std::string failed = manifest.failed.empty() || !settings.output.empty()
                           ? outcome.output + ".failed.jsonl"
                           : (fs::path(manifest.folder) / manifest.failed).string();
  if (outcome.dropped > 0) {
    RawOutput failures(failed);
    for (const size_t task : tasks) {
      const std::string path = submission.task_file(task, "failed.jsonl");
      if (fs::exists(path)) failures.add(path);
    }
    failures.close();
    outcome.failed = failed;
  } else {
    // Those of an earlier run are not this run's.
    std::error_code ignored;
    fs::remove(failed, ignored);
  }
  output.close();
  return outcome;
}

MergeOutcome write_index(const Submission& submission, const MergeSettings& settings) {
  MergeOutcome outcome;
  outcome.output = output_of(submission, settings);
  OutputFile output(outcome.output);
  for (const size_t task : usable(submission, settings, outcome)) {
    const ShardPlan& shard = submission.manifest().shards[task];
    output.write(nlohmann::ordered_json{{"task", task},
                                        {"path", submission.task_output(task)},
                                        {"first", shard.first},
                                        {"records", shard.records},
                                        {"bytes", fs::file_size(submission.task_output(task))}}
                     .dump() +
                 "\n");
  }
  output.close();
  return outcome;
}

}  // namespace molgen3d
