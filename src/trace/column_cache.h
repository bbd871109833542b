// The columns of a large trace in a file, so that the second command does not read it again.
#pragma once

#include <optional>
#include <string>

#include "trace/trace_data.h"

namespace molgen3d::trace {

/// Traces below this many bytes of JSON are read faster than a cache is worth.
inline constexpr uint64_t kCacheFromBytes = uint64_t{32} << 20;

/// Where the cache of a trace would be: TRACE.cols beside it, and for directories that cannot be
/// written a name in $XDG_CACHE_HOME/molgen3d (or ~/.cache/molgen3d).
std::string cache_path_beside(const std::string& trace_path);
std::string cache_path_for_user(const std::string& trace_path);

/// The trace from its cache. Nothing when there is none, or when it does not fit any more: the
/// trace file's size, modification time and first and last 64 KB must be the same, the cache of
/// this version, complete, and every index in it within bounds. Columns stay in the mapped file.
std::optional<Trace> load_column_cache(const std::string& trace_path);

/// Writes the cache, first beside the trace, then for the user; whole or not at all (a temporary
/// file, renamed). Returns its path, or "" with the cause in `problem`.
std::string save_column_cache(const Trace& trace, std::string& problem);

}  // namespace molgen3d::trace
