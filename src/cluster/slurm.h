// Slurm through its own programs: sbatch, squeue, sacct, scontrol, scancel.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace molgen3d {

/// An array of jobs as it was submitted: index i is task `first + i`.
struct ArrayJob {
  std::string id;
  size_t first = 0;
  std::vector<size_t> tasks;
};

/// What Slurm says of one task's job.
struct JobNow {
  std::string id;      ///< 17_3
  std::string state;   ///< PENDING, RUNNING, COMPLETING, FAILED, ...
  std::string reason;  ///< why it is pending
  std::string start;   ///< expected or real, as Slurm writes it
};

/// MaxArraySize of the cluster: the largest index is one less. Throws Error when Slurm does not
/// answer.
size_t most_in_array();

/// Submits a script given as text. Returns the number of the job. Throws Error with sbatch's words.
std::string sbatch(const std::vector<std::string>& arguments, const std::string& script);

/// The state of the tasks of these arrays that are still in the queue, from squeue; of the others
/// from sacct, where the cluster keeps accounts. By task.
std::map<size_t, JobNow> jobs_now(const std::vector<ArrayJob>& arrays);

/// Cancels whatever of them is in the queue. Returns what scancel said, if anything.
std::string cancel_jobs(const std::vector<ArrayJob>& arrays);

/// Asks that the job we are in runs again. False, with the cause, when Slurm does not want to.
bool requeue_own_job(std::string* cause);

/// Seconds since 1970 at which the job we are in is ended; nothing outside of Slurm or without a
/// limit.
std::optional<double> end_of_own_job();

/// Indices as sbatch's --array takes them: 0-3,7.
std::string array_indices(const std::vector<size_t>& indices);
/// The indices of "3", "[0-3,7]" and "[0-7%2]".
std::vector<size_t> indices_of_array(const std::string& text);

}  // namespace molgen3d
