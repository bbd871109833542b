// Chrome-trace JSON(.gz) of any size into columns.
#pragma once

#include <string>

#include "trace/read/read_options.h"
#include "trace/store/trace_data.h"

namespace molgen3d::trace {

/// Reads a trace. Broken events are skipped, counted and reported in Trace::issues; throws Error
/// only when the file cannot be opened or is no trace at all.
Trace read_trace(const std::string& path, const ReadOptions& options = {});

}  // namespace molgen3d::trace
