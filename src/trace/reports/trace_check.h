// The strict reader: does a trace follow every rule that viewers enforce?
#pragma once

#include <string>
#include <vector>

#include "trace/store/trace_data.h"

namespace molgen3d::trace {

/// What a viewer would drop, move or misread, one line each; empty when the trace is clean. The
/// rules are those of Perfetto's JSON importer: the file is closed, no event is broken, slices of a
/// row nest (no overlap), at most 512 deep, none stays open; rows have names; process and thread
/// numbers fit 32 bits; correlation ids are exact in a double; times count from a base near zero.
std::vector<std::string> check_importable(const Trace& trace);

}  // namespace molgen3d::trace
