// Who is inside whom.
#pragma once

#include <vector>

#include "trace/store/trace_data.h"

namespace molgen3d::trace {

/// Rows of slices made of a begin and an end follow all others: where their begins stood among
/// them.
struct PairedRows {
  uint32_t first = kNoRow;
  std::vector<uint32_t> rows_before;  ///< per paired row: slices of one event in front of its begin
};

/// Fills slices.by_time: rows by ts, longer first, then file order.
void sort_by_time(Trace& trace, const PairedRows& paired = {});

/// A begin and end of the same time: times alone cannot tell what it lies in, the order of the
/// events in the file does.
struct StackOrder {
  uint32_t row;
  uint32_t parent;  ///< row of the innermost begin that was open then, or kNoRow
};

/// Fills parent and depth. On each track a slice lies inside another when it starts in its
/// [ts, end) and ends no later. One that starts inside and ends after the innermost open slice
/// moves, with its track id, to the next lane of the same place; nothing is dropped. Slices named
/// in `empty` (ascending rows) follow the order of the file.
void nest(Trace& trace, const std::vector<StackOrder>& empty = {});

/// Fills slices.by_correlation, gpu_rows and runtime_rows.
void make_indexes(Trace& trace);

/// Fills Trace::stats from all slices that have ended.
void make_stats(Trace& trace);

}  // namespace molgen3d::trace
