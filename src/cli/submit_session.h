// Submitting a command: what `submit` and `smoke --submit` share.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cluster/submission.h"

namespace molgen3d {

struct SubmitOptions {
  std::string profile = "local";
  std::string profiles;  ///< file; empty: looked up
  std::string folder;    ///< empty: beside the output
  std::string name;      ///< of the jobs; empty: by the command
  size_t tasks = 0;
  double minutes = 0;   ///< that a task shall take; 0: half of the time limit, 30 at most
  size_t parallel = 0;  ///< 0: as the profile says
  size_t requeues = 20;
  size_t margin = 0;  ///< seconds; 0: by the time limit
  bool dry_run = false;
  bool quiet = false;
};

/// Submits the command `words` (generate, smoke, study, dataset or evaluate, and its arguments).
/// Returns the exit code. Throws Error.
int submit_command(const SubmitOptions& options, const std::vector<std::string>& words);

/// Submits or, by a local profile, runs these tasks. Returns the exit code.
int start_tasks(const Submission& submission, const std::vector<size_t>& tasks, bool quiet);

}  // namespace molgen3d
