// The built-in answers to "where does the time go".
#pragma once

#include <string>
#include <vector>

#include "report/table.h"
#include "trace/reports/row_selection.h"
#include "trace/store/trace_data.h"

namespace molgen3d::trace {

struct ReportOptions {
  size_t limit = 30;         ///< rows per table, 0 = all
  std::string range;         ///< only what starts while a slice with this name (glob) is open
  bool self = false;         ///< top: time without direct children, sorted by it
  bool gpu_only = false;     ///< top: kernels, copies and fills
  std::string category;      ///< top: only this category
  std::string group;         ///< top: "all" = one row per group; a name = the kernels of that group
  bool short_names = false;  ///< top: one row per short name
  int64_t small_ns = 10000;  ///< small: slices below this
  int64_t small_calls = 10000;
  std::string step;  ///< steps: names to list (glob)
};

/// Per name: count, total, %, mean, median, min, max, standard deviation.
std::vector<Table> report_top(const Trace& trace, const ReportOptions& options);
/// Launch calls and the kernels they start, joined on correlation, one launch to many kernels.
std::vector<Table> report_launches(const Trace& trace, const ReportOptions& options);
/// Per device and stream: busy, compute, copy, idle as unions of intervals.
std::vector<Table> report_gpu(const Trace& trace, const ReportOptions& options);
/// Copies and fills by kind: bytes, time, GB/s.
std::vector<Table> report_memory(const Trace& trace, const ReportOptions& options);
/// Names with many short calls.
std::vector<Table> report_small(const Trace& trace, const ReportOptions& options);
/// One row per step (ProfilerStep, decode step, or `options.step`) and what it contains.
std::vector<Table> report_steps(const Trace& trace, const ReportOptions& options);

/// What the reader noticed: form of the file, broken events with offsets, overlaps.
Table describe_reading(const Trace& trace);

}  // namespace molgen3d::trace
