// One task of a submission from where it stands to its end, or to the end of its job: starts the
// program, watches the clock, and decides what comes after a death or a stop.
#pragma once

#include <functional>
#include <string>

#include "cluster/submission.h"

namespace molgen3d {

/// Exit codes of a job.
enum TaskExit : int {
  kTaskDone = 0,
  kTaskGaveUp = 1,
  kTaskStopped = 130,  ///< to be continued
};

/// Catches SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 of the process, once and for good. `say`: lines for
/// the log. Throws Error when the task cannot be started at all.
int run_task(const Submission& submission, size_t task,
             const std::function<void(const std::string&)>& say);

}  // namespace molgen3d
