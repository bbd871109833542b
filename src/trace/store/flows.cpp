#include "trace/store/flows.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/seeded_hash.h"

namespace molgen3d::trace {
namespace {

struct FlowKey {
  uint64_t id;
  uint64_t what;  // category and name, or all ones for version 2
  bool operator==(const FlowKey&) const = default;
};

// Rows of lane-0 tracks in time order, for lookups by time.
class ByTrack {
 public:
  explicit ByTrack(const Trace& trace) : trace_(trace), rows_(trace.tracks.size()) {
    std::vector<bool> wanted(trace.tracks.size(), false);
    for (const FlowPoint& p : trace.flows) wanted[p.track] = true;
    for (const uint32_t row : trace.slices.by_time) {
      const uint32_t track = trace.slices.track[row];
      if (wanted[track]) rows_[track].push_back(row);
    }
  }

  // Innermost slice with ts <= t <= end; an end that touches counts only when nothing is inside.
  uint32_t open_at(uint32_t track, int64_t t) const {
    const std::vector<uint32_t>& rows = rows_[track];
    const SliceColumns& s = trace_.slices;
    const auto after = std::upper_bound(rows.begin(), rows.end(), t,
                                        [&](int64_t v, uint32_t r) { return v < s.ts[r]; });
    if (after == rows.begin()) return kNoRow;
    uint32_t row = *std::prev(after);
    while (row != kNoRow && s.end(row) < t) row = s.parent[row];
    return row;
  }

  uint32_t next_after(uint32_t track, int64_t t) const {
    const std::vector<uint32_t>& rows = rows_[track];
    const SliceColumns& s = trace_.slices;
    const auto at = std::lower_bound(rows.begin(), rows.end(), t,
                                     [&](uint32_t r, int64_t v) { return s.ts[r] < v; });
    return at == rows.end() ? kNoRow : *at;
  }

 private:
  const Trace& trace_;
  std::vector<std::vector<uint32_t>> rows_;
};

}  // namespace

std::vector<Flow> bind_flows(const Trace& trace) {
  const ByTrack tracks(trace);
  std::vector<uint32_t> order(trace.flows.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const FlowPoint& x = trace.flows[a];
    const FlowPoint& y = trace.flows[b];
    if (x.ts != y.ts) return x.ts < y.ts;
    return (x.phase == 's' || x.phase == 'o') > (y.phase == 's' || y.phase == 'o');
  });
  std::unordered_map<FlowKey, uint32_t, SeededValueHash<FlowKey>> open;
  std::vector<Flow> flows;
  for (const uint32_t i : order) {
    const FlowPoint& p = trace.flows[i];
    const bool second_version = p.phase == 'i' || p.phase == 'o';
    const FlowKey key{p.id, second_version ? UINT64_MAX : (uint64_t{p.category} << 32) | p.name};
    uint32_t row = p.row;
    if (!second_version) {
      const bool next_slice = p.phase == 'f' && !p.enclosing;
      row = next_slice ? tracks.next_after(p.track, p.ts) : tracks.open_at(p.track, p.ts);
    }
    if (row == kNoRow) continue;
    if (p.phase == 's' || p.phase == 'o') {
      open[key] = row;
      continue;
    }
    const auto from = open.find(key);
    if (from == open.end()) continue;
    if (from->second != row) flows.push_back({from->second, row, p.id});
    if (p.phase == 't') from->second = row;
  }
  return flows;
}

}  // namespace molgen3d::trace
