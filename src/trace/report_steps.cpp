// trace steps, and what the reader noticed about the file.
#include <fmt/format.h>

#include "base/error.h"
#include "trace/args_store.h"
#include "trace/report_parts.h"

namespace molgen3d::trace {
namespace {

// Phases of our own runs; "run" is the whole and proves nothing.
IntervalSet phase_times(const Trace& trace, const std::vector<CategoryClass>& classes) {
  std::vector<Interval> intervals;
  const SliceColumns& s = trace.slices;
  const StringId run = trace.strings.find("run");
  for (uint32_t row = 0; row < s.size(); ++row) {
    if (classes[s.category[row]] != CategoryClass::kAnnotation || s.dur[row] == kOpen) continue;
    if (s.name[row] != 0 && s.name[row] == run) continue;
    if (trace.strings.view(s.name[row]).starts_with("PyTorch Profiler")) continue;
    intervals.emplace_back(s.ts[row], s.end(row));
  }
  return IntervalSet(std::move(intervals));
}

}  // namespace

std::vector<ReportTable> report_steps(const Trace& trace, const ReportOptions& options) {
  const std::vector<CategoryClass> classes = category_classes(trace);
  const RowFilter filter(trace, options);
  const SliceColumns& s = trace.slices;
  const IntervalSet gpu = gpu_times(trace, classes, kNoRow, RowFilter(trace, {}));

  ReportTable phases;
  phases.title = "annotations and phases";
  phases.columns = {"count",  "total_ms", "mean_us",     "median_us",    "min_us",
                    "max_us", "std_us",   "gpu_busy_ms", "busy_percent", "name"};
  struct Phase {
    Durations times;
    int64_t gpu = 0;
  };
  std::unordered_map<StringId, Phase> by_name;
  for (uint32_t row = 0; row < s.size(); ++row) {
    if (classes[s.category[row]] != CategoryClass::kAnnotation || s.dur[row] == kOpen) continue;
    if (!filter(row)) continue;
    Phase& p = by_name[s.name[row]];
    p.times.add(s.dur[row]);
    p.gpu += gpu.length_within(s.ts[row], s.end(row));
  }
  std::vector<std::pair<StringId, Phase*>> order;
  for (auto& [name, phase] : by_name) order.emplace_back(name, &phase);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second->times.total != b.second->times.total
               ? a.second->times.total > b.second->times.total
               : a.first < b.first;
  });
  for (const auto& [name, phase] : order) {
    if (options.limit != 0 && phases.rows.size() == options.limit) break;
    std::vector<Cell> cells = phase->times.cells();
    cells.emplace_back(ms(phase->gpu));
    cells.emplace_back(percent(ms(phase->gpu), ms(phase->times.total)));
    cells.emplace_back(std::string(trace.strings.view(name)));
    phases.rows.push_back(std::move(cells));
  }
  if (order.empty()) phases.notes.emplace_back("no annotations (category user_annotation)");
  const IntervalSet named = phase_times(trace, classes);
  if (!named.empty() && !filter.active()) {
    phases.notes.push_back(fmt::format("annotations cover {:.2f} % of the {:.3f} ms of the trace",
                                       percent(ms(named.length()), ms(filter.span())),
                                       ms(filter.span())));
  }

  const std::string pattern = options.step.empty() ? step_pattern(trace) : options.step;
  std::vector<ReportTable> tables = {std::move(phases)};
  if (pattern.empty()) return tables;
  std::vector<bool> wanted(trace.strings.size());
  for (StringId id = 1; id < wanted.size(); ++id) {
    wanted[id] = glob_match(pattern, trace.strings.view(id));
  }
  // Launch calls in time order, to count those inside a step.
  std::vector<int64_t> launches;
  for (const uint32_t row : s.by_time) {
    if (classes[s.category[row]] == CategoryClass::kRuntime) launches.push_back(s.ts[row]);
  }
  ReportTable steps;
  steps.title = fmt::format("steps ({})", pattern);
  steps.columns = {"start_ms",     "dur_ms", "gpu_busy_ms", "busy_percent",
                   "device_calls", "rows",   "tokens",      "name"};
  size_t total = 0;
  for (const uint32_t row : s.by_time) {
    // PyTorch repeats every step as a gpu_user_annotation: one row each is enough.
    if (trace.strings.view(s.category[row]) == "gpu_user_annotation") continue;
    if (!wanted[s.name[row]] || s.dur[row] == kOpen || !filter(row)) continue;
    ++total;
    if (options.limit != 0 && steps.rows.size() == options.limit) continue;
    const int64_t busy = gpu.length_within(s.ts[row], s.end(row));
    const auto calls = std::lower_bound(launches.begin(), launches.end(), s.end(row)) -
                       std::lower_bound(launches.begin(), launches.end(), s.ts[row]);
    Cell rows;
    Cell tokens;
    for (const ArgLeaf& leaf : parse_args(args_text(trace, row))) {
      if (leaf.type != ArgLeaf::kInteger) continue;
      if (leaf.key == "rows") rows = leaf.integer;
      if (leaf.key == "tokens") tokens = leaf.integer;
    }
    steps.rows.push_back({ms(s.ts[row] - trace.min_ts()), ms(s.dur[row]), ms(busy),
                          percent(ms(busy), ms(s.dur[row])), static_cast<int64_t>(calls), rows,
                          tokens, std::string(trace.strings.view(s.name[row]))});
  }
  if (total == 0) throw Error::format("{}: no slice is named {}", trace.path, in_quotes(pattern));
  steps.notes.push_back(fmt::format("{} steps; {} shown", total, steps.rows.size()));
  tables.push_back(std::move(steps));
  return tables;
}

ReportTable describe_reading(const Trace& trace) {
  ReportTable table;
  table.title =
      fmt::format("{}: {} events, {} slices", trace.path, trace.events, trace.slices.size());
  table.columns = {"offset", "what", "text_there"};
  for (const Issue& issue : trace.issues) {
    table.rows.push_back({static_cast<int64_t>(issue.offset), issue.what, issue.excerpt});
  }
  const auto note = [&](std::string text) { table.notes.push_back(std::move(text)); };
  if (trace.input.members > 1) note(fmt::format("{} gzip members, joined", trace.input.members));
  if (trace.input.truncated) note("the compressed file ends early: what could be read is used");
  if (trace.input.corrupt) note("the compressed data is damaged: what stands before is used");
  if (trace.input.trailing_garbage) note("bytes after the end of the gzip data were ignored");
  if (trace.bare_array) note("a bare array of events");
  if (!trace.closed) note("the end is missing: no closing bracket");
  if (trace.stopped_by_limit) note("the memory limit was reached: the rest was not read");
  if (trace.overlaps > 0) {
    note(fmt::format("{} slices overlap another of their row without nesting: moved to lanes",
                     trace.overlaps));
  }
  for (const auto& [what, count] : trace.issue_counts) {
    note(fmt::format("{} x {}", count, what));
  }
  return table;
}

}  // namespace molgen3d::trace
