#include "trace/store/trace_data.h"

#include <fmt/format.h>

#include <algorithm>

namespace molgen3d::trace {
namespace {

std::string os_id_text(const Trace& trace, const OsId& id) {
  return id.text != 0 ? std::string(trace.strings.view(id.text)) : std::to_string(id.number);
}

}  // namespace

std::pair<const uint32_t*, const uint32_t*> SliceColumns::with_correlation(int64_t value) const {
  const uint32_t* first =
      std::lower_bound(by_correlation.begin(), by_correlation.end(), value,
                       [&](uint32_t row, int64_t v) { return correlation[row] < v; });
  const uint32_t* last = first;
  while (last != by_correlation.end() && correlation[*last] == value) ++last;
  return {first, last};
}

std::string Trace::process_label(uint32_t upid) const {
  const Process& p = processes[upid];
  return p.name != 0 ? fmt::format("{} {}", strings.view(p.name), os_id_text(*this, p.pid))
                     : os_id_text(*this, p.pid);
}

std::string Trace::thread_label(uint32_t utid) const {
  const Thread& t = threads[utid];
  return t.name != 0 ? std::string(strings.view(t.name)) : os_id_text(*this, t.tid);
}

std::string Trace::track_label(uint32_t track) const {
  const Track& t = tracks[track];
  std::string label = t.kind == TrackKind::kThread    ? thread_label(t.utid)
                      : t.kind == TrackKind::kProcess ? process_label(t.upid)
                      : t.kind == TrackKind::kAsync   ? std::string(strings.view(t.name))
                                                      : "global";
  if (t.lane > 0) label += fmt::format(" #{}", t.lane + 1);
  return label;
}

}  // namespace molgen3d::trace
