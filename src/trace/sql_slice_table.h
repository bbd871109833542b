// The virtual tables `slice` and `args`.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "trace/args_json.h"
#include "trace/slice_orders.h"
#include "trace/trace_data.h"

namespace molgen3d::trace {

/// What the tables and functions of one database share.
struct SqlContext {
  explicit SqlContext(const Trace& t) : trace(t), orders(t) {}
  const Trace& trace;
  SliceOrders orders;
  uint32_t parsed_row = kNoRow;  ///< whose args `leaves` holds
  std::vector<ArgLeaf> leaves;
  /// Strings that fit a pattern, by operator and pattern: joins ask for the same one per row.
  std::unordered_map<std::string, std::vector<bool>> pattern_sets;

  /// The args of a row, taken apart; remembers the last row.
  const std::vector<ArgLeaf>& args_of(uint32_t row);
  int64_t bytes_of(uint32_t row) const;  ///< -1 when not known
};

/// Registers the modules "trace_slice" and "trace_args"; `context` must outlive `db`.
void register_trace_modules(sqlite3* db, SqlContext* context);

}  // namespace molgen3d::trace
