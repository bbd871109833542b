// Shared by the reports: classes per string, GPU rows, correlation join, statistics.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <vector>

#include "trace/reports/reports.h"
#include "trace/store/kernel_groups.h"

namespace molgen3d::trace {

inline double ms(int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}
inline double us(int64_t ns) {
  return static_cast<double>(ns) / 1e3;
}
inline double percent(double part, double whole) {
  return whole > 0 ? 100.0 * part / whole : 0.0;
}

/// Category class per string id.
std::vector<CategoryClass> category_classes(const Trace& trace);

/// Times that `options.range` selects; everything when it is empty.
class RowFilter {
 public:
  RowFilter(const Trace& trace, const ReportOptions& options) : trace_(trace) {
    if (options.range.empty()) return;
    times_ = times_of(trace, options.range);
    active_ = true;
  }
  bool active() const { return active_; }
  bool operator()(uint32_t row) const { return !active_ || times_.contains(trace_.slices.ts[row]); }
  /// Wall time of the selection: the range, or first start to last end of all slices.
  int64_t span() const;

 private:
  const Trace& trace_;
  IntervalSet times_;
  bool active_ = false;
};

/// Durations under one key.
struct Durations {
  std::vector<int64_t> values;
  int64_t total = 0;
  void add(int64_t dur) {
    values.push_back(dur);
    total += dur;
  }
  /// {count, total_ms, mean_us, median_us, min_us, max_us, std_us}; reorders `values`.
  std::vector<Cell> cells();
};

/// Does a closed slice around this one have a name that is like its own?
template <typename IsLike>
bool inside_its_like(const Trace& trace, uint32_t row, const IsLike& is_like) {
  const SliceColumns& s = trace.slices;
  for (uint32_t p = s.parent[row]; p != kNoRow; p = s.parent[p]) {
    if (s.dur[p] != kOpen && is_like(s.name[p])) return true;
  }
  return false;
}

/// Sum of the `tokens` arg over the decode and prefill phases of our own traces; 0 = not known.
int64_t token_count(const Trace& trace);

/// Names of the slices that are steps here: "decode step", "ProfilerStep*" or "".
std::string step_pattern(const Trace& trace);

/// GPU work as a set of times, of one process (device) or of all (kNoRow).
IntervalSet gpu_times(const Trace& trace, const std::vector<CategoryClass>& classes, uint32_t upid,
                      const RowFilter& filter, bool kernels = true, bool copies = true);

}  // namespace molgen3d::trace
