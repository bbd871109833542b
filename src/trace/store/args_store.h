// The args text of a slice, read from the file again when somebody asks.
#pragma once

#include <string>
#include <vector>

#include "trace/store/args_json.h"
#include "trace/store/trace_data.h"

namespace molgen3d::trace {

/// JSON text of the args of a row, "" without args or when the file is gone. The first call after
/// the trace came from the column cache reads the file through once.
std::string args_text(const Trace& trace, uint32_t row);

/// One value by Perfetto's key ("args.correlation", "args.grid[0]"; "debug." in front and no
/// prefix work too), null when absent.
const ArgLeaf* find_arg(const std::vector<ArgLeaf>& leaves, std::string_view key);

}  // namespace molgen3d::trace
