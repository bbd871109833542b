// Two traces side by side.
#pragma once

#include <vector>

#include "report/table.h"
#include "trace/store/trace_data.h"

namespace molgen3d::trace {

struct CompareOptions {
  size_t limit = 30;
  enum class Per { kAuto, kNothing, kStep, kToken } per = Per::kAuto;
};

/// Why is one of two runs faster? First the questions people ask (span, launches, attention,
/// copies, elementwise, small operations, GPU busy, phases), then an outer join of all names in
/// their short form with differences, then what only one of the two has. Times are also given per
/// token (from our own recorder) or per step when both traces know it.
std::vector<Table> compare_traces(const Trace& a, const Trace& b, const CompareOptions& options);

}  // namespace molgen3d::trace
