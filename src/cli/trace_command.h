// molgen3d trace: where the time of a recorded run goes, ours or anybody's.
#pragma once

#include <cstdio>
#include <string>

#include "trace/reports/compare.h"
#include "trace/reports/print_tables.h"
#include "trace/reports/reports.h"

namespace molgen3d {

struct TraceCommandOptions {
  std::string action;  ///< "top", "launches", "gpu", "memory", "small", "steps", "compare", "sql",
                       ///< "check"
  std::string file;
  std::string second_file;  ///< compare
  std::string sql;  ///< sql: the query; "-" or empty = standard input; "@FILE" = from a file
  trace::ReportOptions report;
  trace::CompareOptions compare;
  trace::TableFormat format = trace::TableFormat::kText;
  size_t name_width = 80;
  bool no_cache = false;
  double time_limit_s = 0;
  bool quiet = false;  ///< no remarks about the file on `err`
};

/// Runs one `molgen3d trace` command: tables to `out`, remarks about the file to `err`. Returns an
/// exit code; throws Error when the file or the query cannot be used.
int run_trace(const TraceCommandOptions& options, std::FILE* out, std::FILE* err);

}  // namespace molgen3d
