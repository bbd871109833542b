#include "cli/resume_options.h"

#include <CLI/CLI.hpp>

#include <optional>

#include "base/error.h"
#include "files/finished_mark.h"
#include "generation/record_stream.h"

namespace molgen3d {

bool ResumeOptions::finished_run(const std::filesystem::path& output,
                                 const std::filesystem::path& journal) const {
  return resume && !overwrite && !std::filesystem::exists(journal) &&
         std::filesystem::exists(output);
}

void add_resume_options(CLI::App& command, ResumeOptions& options) {
  command.add_flag("--resume", options.resume, "Complete an interrupted run of the same command");
  command.add_flag("--overwrite", options.overwrite, "Forget an interrupted run and start anew");
}

bool finished_with_failures(const std::string& output, const RunIdentity& identity,
                            const std::vector<std::string>& inputs) {
  const std::optional<FinishedMark> mark = finished_mark(output);
  if (!mark) {
    throw Error::format(
        "{}: is there without a journal, and nothing says which run made it, or it was changed "
        "since; "
        "--overwrite makes it anew",
        output);
  }
  require_same_identity(mark->identity, identity, output);
  for (const std::string& input : inputs) {
    if (can_be_read_again(input)) continue;
    throw Error::format(
        "{}: is finished; whether {} holds the same as then cannot be told, as it can be read only "
        "once; --overwrite makes it anew",
        output, input == "-" ? "standard input" : input);
  }
  return mark->failures;
}

}  // namespace molgen3d
