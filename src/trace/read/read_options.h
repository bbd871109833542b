// How a trace is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace molgen3d::trace {

struct ReadOptions {
  /// Columns, strings and side tables together; when a file wants more, reading stops there, the
  /// part read so far is used and Trace::stopped_by_limit says so.
  size_t max_bytes = size_t{16} << 30;
  /// One event (or one top-level value); longer ones count as broken.
  size_t max_event_bytes = size_t{64} << 20;
  /// 1: everything on the calling thread. 2: one thread inflates and indexes, the caller scans.
  int threads = 2;
  /// Bytes per window, a multiple of 64. Small values exist for tests of the seams.
  size_t window_bytes = size_t{1} << 20;
  /// Use the column cache when there is a fitting one (column_cache.h; the caller writes it).
  bool use_cache = true;
  /// Called now and then with the decompressed bytes so far; may be empty.
  std::function<void(uint64_t)> progress;
};

}  // namespace molgen3d::trace
