// The outputs of finished tasks as one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cluster/submission.h"

namespace molgen3d {

struct MergeSettings {
  std::string output;    ///< empty: as the command was given
  bool partial = false;  ///< leave out tasks that are not done
  bool overwrite = false;
};

struct MergeOutcome {
  uint64_t tasks = 0, records = 0, kept = 0, dropped = 0;
  std::vector<size_t> missing;
  std::string output, failed;  ///< empty: there were no failures
};

/// Puts the outputs of all tasks behind each other, in input order, and their failures likewise:
/// the bytes that one run of the whole input writes (of a compressed output, what it holds; it has
/// one gzip member a task). Copies bytes without looking into them; the outputs of tasks stay.
/// Throws Error when a task is not done (unless `partial`), when an output is not the one that its
/// task finished, and when tasks were made with other settings, another checkpoint, another RDKit
/// or another canonical form than the rest.
MergeOutcome merge(const Submission& submission, const MergeSettings& settings);

/// The outputs in order as JSON lines, one a task, instead of a copy: path, first record, records,
/// bytes. With the checks of merge().
MergeOutcome write_index(const Submission& submission, const MergeSettings& settings);

}  // namespace molgen3d
