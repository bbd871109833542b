// Arrows between slices: which slice caused which other (flow events of a trace).
#pragma once

#include <cstdint>
#include <vector>

#include "trace/store/trace_data.h"

namespace molgen3d::trace {

struct Flow {
  uint32_t from = kNoRow;  ///< row
  uint32_t to = kNoRow;
  uint64_t id = 0;
};

/// Binds the flow points of a trace to slices, as Perfetto does: s and t start at the innermost
/// slice open on their thread; t and an f with "bp":"e" end at it, another f ends at the next slice
/// to start. One start may have many ends. Version 2 (bind_id) connects in time order.
std::vector<Flow> bind_flows(const Trace& trace);

}  // namespace molgen3d::trace
