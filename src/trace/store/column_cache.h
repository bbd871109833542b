// The columns of a large trace in a file, so that the second command does not read it again.
#pragma once

#include <optional>
#include <string>

#include "trace/store/trace_data.h"

namespace molgen3d::trace {

/// Traces below this many bytes of JSON are read faster than a cache is worth.
inline constexpr uint64_t kCacheFromBytes = uint64_t{32} << 20;

/// Where the cache of a trace would be: in $XDG_CACHE_HOME/molgen3d or ~/.cache/molgen3d, never
/// beside the trace. "" when neither variable names a folder.
std::string cache_path(const std::string& trace_path);

/// The trace from its cache. Nothing when there is none, or when it is not ours, of another
/// version, damaged (a checksum covers all of it), made of a file with another content (its hash is
/// compared, not its time), or holds an index out of bounds. Columns stay in the mapped file.
std::optional<Trace> load_column_cache(const std::string& trace_path);

/// Writes the cache, whole or not at all (a temporary file, renamed). Returns its path, or "" with
/// the cause in `problem`: a trace that was written to since it was read has no cache.
std::string save_column_cache(const Trace& trace, std::string& problem);

}  // namespace molgen3d::trace
