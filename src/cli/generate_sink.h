// Where the samples of a generate run go: the output, the file of failures, and the journal that
// makes an interrupted run resumable.
#pragma once

#include <optional>
#include <string>

#include "files/file_roles.h"
#include "files/finished_mark.h"
#include "files/journal.h"
#include "files/output_file.h"
#include "generation/journal_record.h"

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

class GenerateSink {
 public:
  /// Call it when nothing else can keep the run from starting. Throws Error as Journal::open() and
  /// OutputFile do.
  GenerateSink(const SinkPaths& paths, Journal::Start start, const RunIdentity& identity,
               const SampleBounds& bounds);

  std::optional<Completion> restore(const Prompt& prompt, uint32_t sample) const {
    return finished_.find(prompt, sample);
  }
  size_t restorable() const { return finished_.size(); }
  size_t damaged() const { return journal_ ? journal_->damaged() : 0; }

  void record(const Sample& sample);
  void write(const std::string& text) { output_.write(text); }
  void write_failure(const std::string& line);
  /// Of the file of failures; empty when there is none.
  const std::string& failed_path() const { return failed_path_; }

  /// All done: the output is put in place and marked, then the journal goes. `records`: of the
  /// input. Throws Error when the run that is resumed had read more.
  void complete(uint64_t records, const FinishedMark& mark);
  /// Stopped early: everything finished is in the journal, what was written stays under the name
  /// that is returned (empty for standard output).
  std::string stop();

 private:
  std::optional<Journal> journal_;
  FinishedSamples finished_;
  OutputFile output_;
  std::optional<OutputFile> failed_;
  std::string output_path_;
  std::string failed_path_;
};

}  // namespace molgen3d
