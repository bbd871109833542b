#include "cli/generate_sink.h"

#include <filesystem>

namespace molgen3d {

namespace {

std::optional<Journal> open_journal(const std::string& path, Journal::Start start,
                                    const RunIdentity& identity) {
  if (path.empty()) return std::nullopt;
  return Journal::open(path, start, identity);
}

}  // namespace

std::string SinkPaths::failures() const {
  if (!failed.empty()) return failed;
  return makes_a_file(output) ? output + ".failed.jsonl" : "";
}

void SinkPaths::add_to(FileRoles& roles) const {
  roles.writes(output.empty() ? "-" : output, "--output");
  roles.writes(failures(), failed.empty() ? "failures" : "--failed");
  roles.writes(journal(), "journal");
}

GenerateSink::GenerateSink(const SinkPaths& paths, Journal::Start start,
                           const RunIdentity& identity, const SampleBounds& bounds)
    : journal_(open_journal(paths.journal(), start, identity)),
      output_(paths.output),
      output_path_(paths.output),
      failed_path_(paths.failures()) {
  if (journal_) finished_ = FinishedSamples(journal_->take_lines(), bounds, paths.journal());
}

void GenerateSink::record(const Sample& sample) {
  if (journal_) journal_->append(journal_line(sample));
}

// The file is made when the first failure comes.
void GenerateSink::write_failure(const std::string& line) {
  if (failed_path_.empty()) return;
  if (!failed_) failed_.emplace(failed_path_);
  failed_->write(line);
}

void GenerateSink::complete(uint64_t records, const FinishedMark& mark) {
  finished_.require_within(records);
  output_.close();
  if (journal_) mark_finished(output_path_, mark);
  if (failed_) {
    failed_->close();
  } else if (makes_a_file(failed_path_)) {
    // Those of an earlier run are not this run's.
    std::error_code ignored;
    std::filesystem::remove(failed_path_, ignored);
  }
  if (journal_) journal_->remove();
}

std::string GenerateSink::stop() {
  std::string kept = output_.keep();
  if (failed_) failed_->keep();
  if (journal_) journal_->sync();
  return kept;
}

}  // namespace molgen3d
