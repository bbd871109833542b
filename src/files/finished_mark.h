// Which run made a finished file: kept by the file system beside the file's bytes (as an extended
// attribute), so that nothing lies beside it. A copy may lose it.
#pragma once

#include <optional>
#include <string>

#include "files/journal.h"

namespace molgen3d {

struct FinishedMark {
  RunIdentity identity;   ///< as brief_identity() gives it
  bool failures = false;  ///< whether the run had any
};

/// `identity` with long values as their hashes: file systems keep a few kilobytes.
RunIdentity brief_identity(const RunIdentity& identity);

/// Marks the file, which is complete and closed. Does nothing where the file system keeps no
/// attributes: whoever asks for the mark learns that there is none.
void mark_finished(const std::string& path, const FinishedMark& mark);

/// Nothing when the file has no mark, or other bytes than when it was marked. Throws Error when it
/// cannot be read.
std::optional<FinishedMark> finished_mark(const std::string& path);

}  // namespace molgen3d
