// SQL over a trace, with the table names of Perfetto's trace processor on SQLite.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "report/table.h"
#include "trace/store/trace_data.h"

namespace molgen3d::trace {

/// Receives one result set after the other.
class SqlSink {
 public:
  virtual ~SqlSink() = default;
  virtual void begin(const std::vector<std::string>& columns) = 0;
  virtual void row(const std::vector<Cell>& cells) = 0;
  virtual void end() {}
};

/// An SQLite database in memory whose `slice` and `args` tables are the columns of a trace, not
/// copies of them. Tables: slice = slices, thread_slice, instant, thread, process, track,
/// thread_track, process_track, counter, counter_track, flow, args, stats, metadata; functions
/// extract_arg(arg_set_id, key) and regexp (POSIX extended). docs/traces.md lists the columns.
class SqlDatabase {
 public:
  /// `trace` must outlive the database.
  explicit SqlDatabase(const Trace& trace);
  ~SqlDatabase();
  SqlDatabase(const SqlDatabase&) = delete;
  SqlDatabase& operator=(const SqlDatabase&) = delete;

  /// Stops run() after so many seconds with an Error; 0 = never. Looked at between rows and between
  /// the steps of a plan: one call of a function on a text of many megabytes ends first.
  void set_time_limit(double seconds);

  /// Runs every statement of `sql`; those that give columns go to `sink`. Throws Error with
  /// SQLite's message. INCLUDE PERFETTO MODULE is accepted and ignored. Statements may read, and
  /// make and change temporary tables; CREATE TABLE or VIEW, with PERFETTO or without, makes such
  /// ones. Everything else is refused.
  void run(const std::string& sql, SqlSink& sink);

  /// All rows of the last result set of `sql`.
  Table query(const std::string& sql);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace molgen3d::trace
