// Where the samples of a generate run go: the output, the file of failures, and lines for the user.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/messages.h"
#include "files/file_roles.h"
#include "files/finished_mark.h"
#include "files/output_file.h"
#include "generation/record_output.h"
#include "generation/run.h"

namespace molgen3d {

struct SinkPaths {
  std::string output;  ///< empty or `-`: standard output
  std::string failed;  ///< empty: beside the output, if that is a file
  /// Only runs that write an ordinary file have a journal: nothing else can be written again.
  std::string journal() const { return makes_a_file(output) ? output + ".journal" : ""; }
  std::string failures() const;
  /// Adds everything that is written.
  void add_to(FileRoles& roles) const;
};

struct GenerateSinkOptions {
  SinkPaths paths;
  OutputSettings records;
  FailureLimits failures;
  /// Marks the finished output: brief_identity() of the run and its output. Empty: no mark.
  RunIdentity identity;
  std::function<void(const RunOutcome&)> finished = nullptr;  ///< the output is in place
  bool quiet = false;                                         ///< no notes on molecules
  SpanSink* spans = nullptr;  ///< gets the time of writing; may be null
  std::function<void(const std::string&)> show = say;
};

class GenerateSink : public RunSink {
 public:
  explicit GenerateSink(GenerateSinkOptions options);

  /// Throws Error as OutputFile does.
  void open() override;
  Acceptance accept(const Sample& sample, Conformer& conformer) override;
  bool had_enough() const override { return failures_.too_many(); }
  /// The output is put in place and marked.
  bool finish(const RunOutcome& outcome) override;
  /// What was written stays under another name.
  void stop() override;

  /// One line about the whole run.
  std::string summary(const RunOutcome& outcome) const;
  /// One line about a run that was stopped: why, what it leaves, how to go on.
  std::string stop_line() const;

 private:
  void show_notes(const Prompt& prompt) const;
  void write_failure(const Sample& sample, const Conformer& conformer);

  GenerateSinkOptions options_;
  std::string failed_path_;  ///< empty: failures are in no file
  FailureLines failures_;
  std::optional<OutputFile> output_;
  std::optional<OutputFile> failed_;
  std::string kept_;  ///< where a stopped run left its records
};

}  // namespace molgen3d
