#include "trace/reports/report_parts.h"

#include "trace/store/args_json.h"
#include "trace/store/args_store.h"

namespace molgen3d::trace {

std::vector<CategoryClass> category_classes(const Trace& trace) {
  std::vector<CategoryClass> classes(trace.strings.size());
  for (StringId id = 0; id < classes.size(); ++id) {
    classes[id] = category_class(trace.strings.view(id));
  }
  return classes;
}

int64_t RowFilter::span() const {
  if (active_) return times_.length();
  const SliceColumns& s = trace_.slices;
  if (s.size() == 0) return 0;
  int64_t low = s.ts[s.by_time[0]];
  int64_t high = low;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s.dur[i] != kOpen) high = std::max(high, s.ts[i] + s.dur[i]);
  }
  return high - low;
}

std::vector<Cell> Durations::cells() {
  const auto n = static_cast<int64_t>(values.size());
  if (n == 0) return {int64_t{0}, 0.0, {}, {}, {}, {}, {}};
  const auto middle = values.begin() + (n - 1) / 2;
  std::nth_element(values.begin(), middle, values.end());
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double mean = static_cast<double>(total) / static_cast<double>(n);
  double squares = 0;
  for (const int64_t v : values) {
    squares += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  }
  return {n,
          ms(total),
          mean / 1e3,
          us(*middle),
          us(*low),
          us(*high),
          std::sqrt(squares / static_cast<double>(n)) / 1e3};
}

int64_t token_count(const Trace& trace) {
  const StringId decode = trace.strings.find("decode step");
  const StringId chain = trace.strings.find("decode chain");
  const StringId prefill = trace.strings.find("prefill");
  if (decode == 0 && chain == 0 && prefill == 0) return 0;
  int64_t tokens = 0;
  const SliceColumns& s = trace.slices;
  for (uint32_t row = 0; row < s.size(); ++row) {
    const StringId name = s.name[row];
    if (s.args[row] == 0 || name == 0) continue;
    if (name != decode && name != chain && name != prefill) continue;
    for (const ArgLeaf& leaf : parse_args(args_text(trace, row))) {
      if (leaf.key == "tokens" && leaf.type == ArgLeaf::kInteger) tokens += leaf.integer;
    }
  }
  return tokens;
}

std::string step_pattern(const Trace& trace) {
  for (const char* own : {"decode step", "decode chain"}) {
    if (trace.strings.find(own) != 0) return own;
  }
  for (StringId id = 1; id < trace.strings.size(); ++id) {
    if (trace.strings.view(id).starts_with("ProfilerStep#")) return "ProfilerStep#*";
  }
  return "";
}

IntervalSet gpu_times(const Trace& trace, const std::vector<CategoryClass>& classes, uint32_t upid,
                      const RowFilter& filter, bool kernels, bool copies) {
  std::vector<Interval> intervals;
  const SliceColumns& s = trace.slices;
  for (const uint32_t row : s.gpu_rows) {
    const bool kernel = classes[s.category[row]] == CategoryClass::kKernel;
    if (!(kernel ? kernels : copies) || !filter(row)) continue;
    if (upid != kNoRow && trace.tracks[s.track[row]].upid != upid) continue;
    intervals.emplace_back(s.ts[row], s.end(row));
  }
  return IntervalSet(std::move(intervals));
}

}  // namespace molgen3d::trace
