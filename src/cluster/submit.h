// From a command to a submission: its records cut into shards, its jobs in the queue.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cluster/slurm.h"
#include "cluster/submission.h"
#include "generation/prompt_stream.h"

namespace molgen3d {

struct ShardSettings {
  size_t tasks = 0;    ///< so many; 0: by `seconds`
  double seconds = 0;  ///< that a task shall take
  double rate = 0;     ///< tokens a second of one task
  uint32_t samples = 1;
  PromptOptions prompt;  ///< how equal molecules are told
  size_t limit = 0;
  size_t threads = 0;
};

/// Reads the inputs once and writes the records of each shard. A record costs what its answers can
/// have in tokens; shards are runs of records of about equal cost. Throws Error when an input
/// cannot be read, or holds nothing. `progress`: records so far.
std::vector<ShardPlan> write_shards(const Submission& submission,
                                    const std::vector<std::string>& inputs,
                                    const ReaderOptions& reader, const ShardSettings& settings,
                                    const std::function<void(size_t)>& progress);

/// An array of jobs, ready for sbatch.
struct ArrayPlan {
  size_t first = 0;  ///< task of index 0
  std::vector<size_t> tasks;
  size_t parallel = 0;                 ///< of it at once; 0: all
  std::string after;                   ///< job that has to end first; empty: none. "#2": of array 2
  std::vector<std::string> arguments;  ///< of sbatch
  std::string script;
};

/// Arrays for these tasks, none longer than Manifest::array. Together they run no more than
/// `parallel` at once (0: no limit): arrays share it, and wait for each other where it is smaller
/// than their number.
std::vector<ArrayPlan> plan_arrays(const Submission& submission, const std::vector<size_t>& tasks);

/// Submits them and notes their numbers in jobs.jsonl, each at once. Throws Error with sbatch's
/// words; what was submitted stays.
std::vector<ArrayJob> submit_arrays(const Submission& submission, std::vector<ArrayPlan> arrays);

/// What was submitted so far, oldest first. Throws Error when jobs.jsonl is damaged.
std::vector<ArrayJob> submitted_arrays(const Submission& submission);

/// Command line and script of an array, as one would type them.
std::string array_text(const ArrayPlan& plan);

}  // namespace molgen3d
