// --resume and --overwrite: what a command does with what an earlier run of it left.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "files/journal.h"

namespace CLI {
class App;
}

namespace molgen3d {

struct ResumeOptions {
  bool resume = false;
  bool overwrite = false;

  Journal::Start start() const {
    return overwrite ? Journal::Start::kOverwrite
           : resume  ? Journal::Start::kResume
                     : Journal::Start::kNew;
  }
  /// Whether `output` is to be taken for that of a finished run: it is there, its journal is not.
  bool finished_run(const std::filesystem::path& output,
                    const std::filesystem::path& journal) const;
};

void add_resume_options(CLI::App& command, ResumeOptions& options);

/// Whether the finished run that made `output` had failures. Throws Error when it may be of another
/// run: its mark is missing or has another identity, or an input can be read only once.
bool finished_with_failures(const std::string& output, const RunIdentity& identity,
                            const std::vector<std::string>& inputs);

}  // namespace molgen3d
