// Which rows a report looks at, and interval arithmetic on them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/store/trace_data.h"

namespace molgen3d::trace {

using Interval = std::pair<int64_t, int64_t>;  ///< [begin, end) in ns

/// A set of times: disjoint intervals in order, with running sums.
class IntervalSet {
 public:
  IntervalSet() = default;
  /// Joins what overlaps or touches. `intervals` need not be sorted.
  explicit IntervalSet(std::vector<Interval> intervals);

  bool contains(int64_t t) const;
  /// Length inside [begin, end).
  int64_t length_within(int64_t begin, int64_t end) const;
  int64_t length() const { return before_.empty() ? 0 : before_.back(); }
  bool empty() const { return parts_.empty(); }
  const std::vector<Interval>& parts() const { return parts_; }

 private:
  std::vector<Interval> parts_;
  std::vector<int64_t> before_;  // before_[i]: length of parts 0..i
};

/// `pattern` with * and ? against `text`, case-sensitive (SQLite's GLOB without brackets).
bool glob_match(std::string_view pattern, std::string_view text);

/// The times covered by slices whose name matches `pattern`. Throws Error when there is none.
IntervalSet times_of(const Trace& trace, const std::string& pattern);

}  // namespace molgen3d::trace
