// Who is inside whom.
#pragma once

#include "trace/trace_data.h"

namespace molgen3d::trace {

/// Fills slices.by_time: rows by ts, longer first, then file order.
void sort_by_time(Trace& trace);

/// Fills parent and depth. On each track a slice lies inside another when it starts in its
/// [ts, end) and ends no later. One that starts inside and ends after the innermost open slice
/// moves, with its track id, to the next lane of the same place; nothing is dropped.
void nest(Trace& trace);

/// Fills slices.by_correlation, gpu_rows and runtime_rows.
void make_indexes(Trace& trace);

/// Fills Trace::stats from all slices that have ended.
void make_stats(Trace& trace);

}  // namespace molgen3d::trace
