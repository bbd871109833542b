#include "trace/reports/row_selection.h"

#include <algorithm>

#include "base/error.h"

namespace molgen3d::trace {

IntervalSet::IntervalSet(std::vector<Interval> intervals) {
  std::erase_if(intervals, [](const Interval& i) { return i.second <= i.first; });
  if (!std::is_sorted(intervals.begin(), intervals.end())) {
    std::sort(intervals.begin(), intervals.end());
  }
  for (const Interval& i : intervals) {
    if (!parts_.empty() && i.first <= parts_.back().second) {
      parts_.back().second = std::max(parts_.back().second, i.second);
    } else {
      parts_.push_back(i);
    }
  }
  int64_t sum = 0;
  for (const Interval& i : parts_) before_.push_back(sum += i.second - i.first);
}

bool IntervalSet::contains(int64_t t) const {
  const auto after = std::upper_bound(parts_.begin(), parts_.end(), t,
                                      [](int64_t v, const Interval& i) { return v < i.first; });
  return after != parts_.begin() && t < std::prev(after)->second;
}

int64_t IntervalSet::length_within(int64_t begin, int64_t end) const {
  const auto covered_before = [&](int64_t t) -> int64_t {
    const auto after = std::upper_bound(parts_.begin(), parts_.end(), t,
                                        [](int64_t v, const Interval& i) { return v < i.first; });
    if (after == parts_.begin()) return 0;
    const size_t index = static_cast<size_t>(after - parts_.begin()) - 1;
    const int64_t whole = index > 0 ? before_[index - 1] : 0;
    return whole + std::min(t, parts_[index].second) - parts_[index].first;
  };
  return end > begin ? covered_before(end) - covered_before(begin) : 0;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

IntervalSet times_of(const Trace& trace, const std::string& pattern) {
  std::vector<bool> wanted(trace.strings.size(), false);
  bool any = false;
  for (StringId id = 1; id < trace.strings.size(); ++id) {
    wanted[id] = glob_match(pattern, trace.strings.view(id));
    any |= wanted[id];
  }
  std::vector<Interval> intervals;
  const SliceColumns& s = trace.slices;
  for (size_t row = 0; any && row < s.size(); ++row) {
    if (wanted[s.name[row]]) intervals.emplace_back(s.ts[row], s.end(row));
  }
  if (intervals.empty()) {
    throw Error::format("{}: no slice is named {}; `trace top` lists the names", trace.path,
                        in_quotes(pattern));
  }
  return IntervalSet(std::move(intervals));
}

}  // namespace molgen3d::trace
