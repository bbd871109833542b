// What the virtual tables, plain tables and functions of one SQL database share.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/seeded_hash.h"
#include "trace/sql/slice_orders.h"
#include "trace/store/args_json.h"
#include "trace/store/trace_data.h"

namespace molgen3d::trace {

/// What the tables and functions of one database share.
struct SqlContext {
  explicit SqlContext(const Trace& t) : trace(t), orders(t) {}
  const Trace& trace;
  SliceOrders orders;
  uint32_t parsed_row = kNoRow;  ///< whose args `leaves` holds
  std::vector<ArgLeaf> leaves;
  /// Strings that fit a pattern, by operator and pattern: joins ask for the same one per row.
  TextMap<std::vector<bool>> pattern_sets;

  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline = Clock::time_point::max();  ///< of the query that runs
  bool expired() const { return deadline != Clock::time_point::max() && Clock::now() > deadline; }

  /// The args of a row, taken apart; remembers the last row.
  const std::vector<ArgLeaf>& args_of(uint32_t row);
  int64_t bytes_of(uint32_t row) const;  ///< -1 when not known
};

/// Register the modules "trace_slice" and "trace_args"; `context` must outlive `db`.
void register_slice_table(sqlite3* db, SqlContext* context);
void register_args_table(sqlite3* db, SqlContext* context);

/// Registers extract_arg(arg_set_id, key) and regexp(pattern, text).
void register_functions(sqlite3* db, SqlContext* context);

/// Creates all tables and views, and fills those that are small: threads, processes, tracks, stats,
/// metadata. Throws Error with SQLite's message.
void create_tables(sqlite3* db, const Trace& trace);
void fill_counters(sqlite3* db, const Trace& trace);
void fill_flows(sqlite3* db, const Trace& trace);

}  // namespace molgen3d::trace
