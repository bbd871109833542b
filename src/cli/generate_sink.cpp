#include "cli/generate_sink.h"

#include <fmt/format.h>

#include <filesystem>

namespace molgen3d {

std::string SinkPaths::failures() const {
  if (!failed.empty()) return failed;
  return makes_a_file(output) ? output + ".failed.jsonl" : "";
}

void SinkPaths::add_to(FileRoles& roles) const {
  roles.writes(output.empty() ? "-" : output, "--output");
  roles.writes(failures(), failed.empty() ? "failures" : "--failed");
  roles.writes(journal(), "journal");
}

GenerateSink::GenerateSink(GenerateSinkOptions options)
    : options_(std::move(options)),
      failed_path_(options_.paths.failures()),
      failures_(options_.failures, options_.show) {}

void GenerateSink::open() {
  output_.emplace(options_.paths.output);
}

// Nothing of the input is left out in silence.
void GenerateSink::show_notes(const Prompt& prompt) const {
  for (const std::string& note : prompt.notes) options_.show(prompt.source + ": " + note);
}

Acceptance GenerateSink::accept(const Sample& sample, Conformer& conformer) {
  if (sample.index == 0 && !options_.quiet) show_notes(*sample.prompt);
  const ScopedSpan writing(options_.spans, RunPhase::kWrite);
  output_->write(written_record(sample, conformer, options_.records));
  const Acceptance outcome = acceptance_of(conformer);
  if (outcome == Acceptance::kDrop) write_failure(sample, conformer);
  return outcome;
}

void GenerateSink::write_failure(const Sample& sample, const Conformer& conformer) {
  if (!failed_path_.empty()) {
    // The file is made when the first failure comes.
    if (!failed_) failed_.emplace(failed_path_);
    failed_->write(failure_line(sample, conformer));
  }
  const Prompt& prompt = *sample.prompt;
  // A refused record is one failure, however many samples were asked for.
  if (sample.index > 0 && !prompt.ok()) return;
  failures_.add(prompt.ok()
                    ? fmt::format("{}: sample {}: {}", prompt.source, sample.index, conformer.cause)
                    : conformer.cause);
}

bool GenerateSink::finish(const RunOutcome& outcome) {
  failures_.finish();
  const ScopedSpan writing(options_.spans, RunPhase::kWrite);
  output_->close();
  if (!options_.identity.empty())
    mark_finished(options_.paths.output, {options_.identity, outcome.dropped > 0});
  if (failed_) {
    failed_->close();
  } else if (makes_a_file(failed_path_)) {
    // Those of an earlier run are not this run's.
    std::error_code ignored;
    std::filesystem::remove(failed_path_, ignored);
  }
  if (options_.finished) options_.finished(outcome);
  return true;
}

void GenerateSink::stop() {
  failures_.finish();
  const ScopedSpan writing(options_.spans, RunPhase::kWrite);
  kept_ = output_->keep();
  if (failed_) failed_->keep();
}

std::string GenerateSink::summary(const RunOutcome& outcome) const {
  const GenerationStatistics& statistics = outcome.statistics;
  const auto tokens = statistics.engine.sampled_tokens + statistics.engine.forced_tokens;
  return fmt::format(
      "{} samples of {} molecules written, {} failed{} in {:.2f} s ({:.1f} samples/s, {:.0f} "
      "tokens/s)",
      outcome.kept, statistics.prompts - statistics.refused, outcome.dropped,
      outcome.dropped > 0 && !failed_path_.empty() ? " (" + failed_path_ + ")" : "",
      statistics.wall_seconds, static_cast<double>(outcome.kept) / statistics.wall_seconds,
      static_cast<double>(tokens) / statistics.wall_seconds);
}

std::string GenerateSink::stop_line() const {
  std::string line =
      had_enough() ? fmt::format("stopped after {} failures (--max-errors)", failures_.count())
                   : "interrupted";
  if (!kept_.empty()) line += "; what was written is in " + kept_;
  if (!options_.paths.journal().empty())
    line += "; the same command with --resume completes the run";
  return line;
}

}  // namespace molgen3d
