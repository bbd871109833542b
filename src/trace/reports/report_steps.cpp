// trace steps, and what the reader noticed about the file.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/plain_text.h"
#include "trace/reports/report_parts.h"
#include "trace/store/args_store.h"

namespace molgen3d::trace {
namespace {

// What somebody named, in the order of rows. A few among millions: found once, walked often.
std::vector<uint32_t> annotation_rows(const Trace& trace,
                                      const std::vector<CategoryClass>& classes) {
  std::vector<uint32_t> rows;
  const SliceColumns& s = trace.slices;
  for (uint32_t row = 0; row < s.size(); ++row) {
    if (classes[s.category[row]] == CategoryClass::kAnnotation && s.dur[row] != kOpen)
      rows.push_back(row);
  }
  return rows;
}

// Phases of our own runs; "run" is the whole and proves nothing.
IntervalSet phase_times(const Trace& trace, const std::vector<uint32_t>& annotations) {
  std::vector<Interval> intervals;
  const SliceColumns& s = trace.slices;
  const StringId run = trace.strings.find("run");
  for (const uint32_t row : annotations) {
    if (s.name[row] != 0 && s.name[row] == run) continue;
    if (trace.strings.view(s.name[row]).starts_with("PyTorch Profiler")) continue;
    intervals.emplace_back(s.ts[row], s.end(row));
  }
  return IntervalSet(std::move(intervals));
}

// For each of `rows`, how many device calls start while it is open.
std::vector<int64_t> calls_within(const Trace& trace, const std::vector<uint32_t>& rows) {
  const SliceColumns& s = trace.slices;
  std::vector<int64_t> bounds;
  for (const uint32_t row : rows) {
    bounds.push_back(s.ts[row]);
    bounds.push_back(s.end(row));
  }
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  std::vector<int64_t> before(bounds.size() + 1);  // first per gap between bounds, then summed
  for (const uint32_t row : s.runtime_rows) {
    ++before[static_cast<size_t>(std::upper_bound(bounds.begin(), bounds.end(), s.ts[row]) -
                                 bounds.begin())];
  }
  std::partial_sum(before.begin(), before.end(), before.begin());
  const auto earlier = [&](int64_t bound) {
    return before[static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), bound) -
                                      bounds.begin())];
  };
  std::vector<int64_t> calls;
  for (const uint32_t row : rows) calls.push_back(earlier(s.end(row)) - earlier(s.ts[row]));
  return calls;
}

/// Annotations by name, longest first, and how much of the trace they cover.
Table phase_table(const Trace& trace, const ReportOptions& options, const RowFilter& filter,
                  const IntervalSet& gpu, const std::vector<uint32_t>& annotations) {
  const SliceColumns& s = trace.slices;
  Table phases;
  phases.title = "annotations and phases";
  phases.header = {"count",  "total_ms", "mean_us",     "median_us",    "min_us",
                   "max_us", "std_us",   "gpu_busy_ms", "busy_percent", "name"};
  struct Phase {
    Durations times;
    int64_t gpu = 0;
  };
  std::unordered_map<StringId, Phase> by_name;
  for (const uint32_t row : annotations) {
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
  const IntervalSet named = phase_times(trace, annotations);
  if (!named.empty() && !filter.active()) {
    phases.notes.push_back(fmt::format("annotations cover {:.2f} % of the {:.3f} ms of the trace",
                                       percent(ms(named.length()), ms(filter.span())),
                                       ms(filter.span())));
  }
  return phases;
}

/// Rows of the slices that a step's pattern names, by time, outer ones first.
std::vector<uint32_t> step_rows(const Trace& trace, const RowFilter& filter,
                                const std::string& pattern) {
  const SliceColumns& s = trace.slices;
  std::vector<uint8_t> wanted(trace.strings.size());
  for (StringId id = 1; id < wanted.size(); ++id) {
    wanted[id] = glob_match(pattern, trace.strings.view(id));
  }
  // PyTorch repeats every step as a gpu_user_annotation: one row each is enough.
  const StringId repeated = trace.strings.find("gpu_user_annotation");
  std::vector<uint32_t> shown;
  for (uint32_t row = 0; row < s.size(); ++row) {
    if (!wanted[s.name[row]] || s.dur[row] == kOpen || !filter(row)) continue;
    if (repeated == 0 || s.category[row] != repeated) shown.push_back(row);
  }
  std::sort(shown.begin(), shown.end(), [&](uint32_t a, uint32_t b) {
    if (s.ts[a] != s.ts[b]) return s.ts[a] < s.ts[b];
    return s.end(a) != s.end(b) ? s.end(a) > s.end(b) : a < b;
  });
  return shown;
}

}  // namespace

std::vector<Table> report_steps(const Trace& trace, const ReportOptions& options) {
  const std::vector<CategoryClass> classes = category_classes(trace);
  const RowFilter filter(trace, options);
  const SliceColumns& s = trace.slices;
  const IntervalSet gpu = gpu_times(trace, classes, kNoRow, RowFilter(trace, {}));

  const std::string pattern = options.step.empty() ? step_pattern(trace) : options.step;
  std::vector<Table> tables = {
      phase_table(trace, options, filter, gpu, annotation_rows(trace, classes))};
  if (pattern.empty()) return tables;
  Table steps;
  steps.title = fmt::format("steps ({})", on_one_line(pattern));
  steps.header = {"start_ms",     "dur_ms", "gpu_busy_ms", "busy_percent",
                  "device_calls", "rows",   "tokens",      "name"};
  std::vector<uint32_t> shown = step_rows(trace, filter, pattern);
  const size_t total = shown.size();
  if (options.limit != 0 && shown.size() > options.limit) shown.resize(options.limit);
  const std::vector<int64_t> calls = calls_within(trace, shown);
  for (size_t i = 0; i < shown.size(); ++i) {
    const uint32_t row = shown[i];
    const int64_t busy = gpu.length_within(s.ts[row], s.end(row));
    Cell rows;
    Cell tokens;
    // Of PyTorch's steps nothing is known, and their args lie all over a compressed file.
    const bool own = !pattern.starts_with("ProfilerStep");
    for (const ArgLeaf& leaf : parse_args(own ? args_text(trace, row) : "{}")) {
      if (leaf.type != ArgLeaf::kInteger) continue;
      if (leaf.key == "rows") rows = leaf.integer;
      if (leaf.key == "tokens") tokens = leaf.integer;
    }
    steps.rows.push_back({ms(s.ts[row] - trace.min_ts()), ms(s.dur[row]), ms(busy),
                          percent(ms(busy), ms(s.dur[row])), calls[i], rows, tokens,
                          std::string(trace.strings.view(s.name[row]))});
  }
  if (total == 0) throw Error::format("{}: no slice is named {}", trace.path, in_quotes(pattern));
  steps.notes.push_back(fmt::format("{} steps; {} shown", total, steps.rows.size()));
  tables.push_back(std::move(steps));
  return tables;
}

namespace {

// Categories that no report knows, in a trace of a profiler: a device or a tool that is new to us.
std::vector<std::string> unknown_categories(const Trace& trace) {
  constexpr size_t kNamed = 5;
  struct Seen {
    uint64_t slices = 0;
    bool linked = false;
  };
  const SliceColumns& s = trace.slices;
  std::vector<Seen> seen(trace.strings.size());
  for (size_t row = 0; row < s.size(); ++row) {
    if (s.kind[row] != SliceKind::kComplete) continue;  // profilers write nothing else of devices
    Seen& c = seen[s.category[row]];
    ++c.slices;
    c.linked |= s.correlation[row] != kNoCorrelation;
  }
  bool profiler = false;
  std::vector<StringId> unknown;
  for (StringId id = 1; id < seen.size(); ++id) {
    if (seen[id].slices == 0) continue;
    const bool known = is_known_category(trace.strings.view(id));
    profiler |= known || seen[id].linked;
    if (!known) unknown.push_back(id);
  }
  std::vector<std::string> notes;
  for (size_t i = 0; profiler && i < unknown.size(); ++i) {
    if (i == kNamed) {
      notes.push_back(fmt::format("{} more unknown categories", unknown.size() - kNamed));
      break;
    }
    notes.push_back(fmt::format("unknown category {}: {} slices, in no report of device or calls",
                                in_quotes(trace.strings.view(unknown[i])),
                                seen[unknown[i]].slices));
  }
  return notes;
}

}  // namespace

Table describe_reading(const Trace& trace) {
  Table table;
  table.title = fmt::format("{}: {} events, {} slices", on_one_line(trace.path), trace.events,
                            trace.slices.size());
  table.header = {"offset", "what", "text_there"};
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
  if (trace.rest_bytes > 0) {
    note(fmt::format("byte {}: {} bytes after the end of the document were ignored",
                     trace.rest_offset, trace.rest_bytes));
  }
  if (trace.stopped_by_limit) note("the memory limit was reached: the rest was not read");
  if (trace.overlaps > 0) {
    note(fmt::format("{} slices overlap another of their row without nesting: moved to lanes",
                     trace.overlaps));
  }
  const auto unclosed =
      std::count(trace.slices.kind.begin(), trace.slices.kind.end(), SliceKind::kUnclosed);
  if (unclosed > 0) {
    note(fmt::format("{} slices never end: shown without a time, in no total", unclosed));
  }
  for (std::string& text : unknown_categories(trace)) note(std::move(text));
  for (const auto& [what, count] : trace.issue_counts) {
    note(fmt::format("{} x {}", count, what));
  }
  return table;
}

}  // namespace molgen3d::trace
