#include "trace/reports/trace_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace molgen3d::trace {

std::vector<std::string> check_importable(const Trace& trace) {
  constexpr int64_t kExactInDouble = int64_t{1} << 53;
  constexpr uint16_t kMaxDepth = 512;
  std::vector<std::string> found;
  const auto complain = [&](uint64_t count, std::string_view what) {
    if (count > 0) found.push_back(fmt::format("{} x {}", count, what));
  };
  for (const auto& [what, count] : trace.issue_counts) complain(count, what);
  complain(!trace.closed, "missing closing bracket");
  if (trace.rest_bytes > 0) {
    found.push_back(fmt::format("byte {}: {} bytes after the end of the document",
                                trace.rest_offset, trace.rest_bytes));
  }
  complain(trace.input.truncated, "compressed data cut short");
  complain(trace.input.corrupt, "damaged compressed data");
  complain(trace.input.trailing_garbage, "bytes after the gzip member");
  complain(trace.input.members > 1, "more than one gzip member");
  complain(trace.overlaps, "slice that overlaps another of its row without nesting");
  const SliceColumns& s = trace.slices;
  uint64_t open = 0, deep = 0, ids = 0, times = 0;
  for (size_t row = 0; row < s.size(); ++row) {
    open += s.kind[row] == SliceKind::kUnclosed;
    deep += s.depth[row] >= kMaxDepth;
    ids += s.correlation[row] != kNoCorrelation &&
           (s.correlation[row] < 0 || s.correlation[row] >= kExactInDouble);
    times += s.ts[row] < 0 || s.ts[row] >= kExactInDouble;
  }
  complain(open, "slice that is never closed");
  complain(deep, "slice nested deeper than 512");
  complain(ids, "correlation id that a double cannot hold");
  complain(times, "time that does not count from the start of the recording");
  std::vector<bool> used_thread(trace.threads.size(), false);
  for (const Track& t : trace.tracks) {
    if (t.utid != kNoRow) used_thread[t.utid] = true;
  }
  const auto fits_32_bits = [](const OsId& id) {
    return id.text == 0 && id.number >= 0 && id.number <= INT64_C(0xFFFFFFFF);
  };
  uint64_t nameless = 0, wide = 0;
  for (size_t i = 0; i < trace.threads.size(); ++i) {
    if (!used_thread[i]) continue;
    nameless += trace.threads[i].name == 0;
    nameless += trace.processes[trace.threads[i].upid].name == 0;
    wide += !fits_32_bits(trace.threads[i].tid) ||
            !fits_32_bits(trace.processes[trace.threads[i].upid].pid);
  }
  complain(nameless, "row or process without a name");
  complain(wide, "process or thread that is no 32-bit number");
  return found;
}

}  // namespace molgen3d::trace
