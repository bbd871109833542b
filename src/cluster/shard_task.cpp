#include "cluster/shard_task.h"

#include <filesystem>

#include "base/error.h"
#include "files/content_hash.h"

namespace molgen3d {

namespace {

constexpr std::chrono::milliseconds kInterval{500};

std::string records_of(const Submission& submission, size_t task) {
  if (task >= submission.manifest().shards.size()) {
    throw Error::format("{}: has {} shards, not one of number {}", submission.folder(),
                        submission.manifest().shards.size(), task);
  }
  return submission.records(task);
}

uint64_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

}  // namespace

ShardTask::ShardTask(const std::string& folder, size_t task)
    : submission_(Submission::open(folder)),
      task_(task),
      state_(read_state(submission_, task)),
      reader_(records_of(submission_, task)),
      file_(submission_, task) {
  progress_.begun = unix_time();
}

RunIdentity ShardTask::identity() const {
  return {{"records", hash_text(file_hash(submission_.records(task_)))}};
}

bool ShardTask::careful() const {
  return state_.mode.at_a_time > 0 && progress_.read < state_.mode.careful_until;
}

RecordFeed ShardTask::feed() {
  RecordFeed feed;
  feed.next = [this](FedRecord& fed) {
    if (!reader_.next(fed)) return false;
    const auto aside = state_.aside.find(progress_.read);
    if (aside != state_.aside.end()) fed.record.cause = aside->second;
    ++progress_.read;
    // Before a record is touched it has to be known which one it is.
    note(fed.record.ok());
    return true;
  };
  feed.at_a_time = [this] { return careful() ? size_t{1} : SIZE_MAX; };
  return feed;
}

size_t ShardTask::window(size_t usual) const {
  return careful() ? state_.mode.at_a_time * submission_.manifest().samples : usual;
}

void ShardTask::begin(size_t restored) {
  progress_.before = progress_.done = restored;
  note(true);
}

void ShardTask::progress(size_t finished) {
  progress_.done = progress_.before + finished;
  note(false);
}

void ShardTask::stop() {
  note(true);
}

void ShardTask::note(bool force) {
  const auto now = std::chrono::steady_clock::now();
  if (!force && now - noted_ < kInterval) return;
  noted_ = now;
  progress_.now = unix_time();
  file_.write(progress_);
}

void ShardTask::finish(const RunOutcome& outcome, const RunIdentity& identity) {
  progress_.finishing = true;
  note(true);
  TaskResult result;
  result.records = outcome.statistics.prompts;
  result.kept = outcome.kept;
  result.dropped = outcome.dropped;
  result.output_bytes = size_of(output());
  result.failed_bytes = outcome.dropped > 0 ? size_of(failed()) : 0;
  result.seconds = outcome.statistics.wall_seconds;
  result.identity = identity;
  result.chemistry = chemistry_versions();
  write_result(submission_, task_, result);
}

}  // namespace molgen3d
