#include "trace/read/nesting.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include "trace/store/kernel_groups.h"

namespace molgen3d::trace {
namespace {

// Beyond this many lanes of one place (a hostile file) slices share the last lane, without nesting.
constexpr size_t kMaxLanes = 256;

// Sums of hostile durations may leave 64 bits: wrap instead of undefined behaviour.
int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrapping_subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// Sorts by bits [low_bit, high_bit), 11 bits a pass; what is equal there keeps its order.
void radix_sort(std::vector<uint64_t>& keys, int low_bit, int high_bit) {
  constexpr int kBits = 11;
  constexpr size_t kBuckets = size_t{1} << kBits;
  std::vector<uint64_t> to(keys.size());
  for (int shift = low_bit; shift < high_bit; shift += kBits) {
    std::vector<uint32_t> start(kBuckets + 1, 0);
    for (const uint64_t k : keys) ++start[((k >> shift) & (kBuckets - 1)) + 1];
    for (size_t b = 0; b < kBuckets; ++b) start[b + 1] += start[b];
    for (const uint64_t k : keys) to[start[(k >> shift) & (kBuckets - 1)]++] = k;
    keys.swap(to);
  }
}

struct OpenSlice {
  int64_t end;
  uint32_t row;
};
struct Lane {
  uint32_t track;
  std::vector<OpenSlice> stack;
};

// Gives a begin and end of one time the parent that its file says.
void follow_stack(Trace& trace, const StackOrder& order) {
  constexpr int kSteps = 512;  // a hostile file could make this climb long, for every slice
  SliceColumns& s = trace.slices;
  const auto paired = [&](uint32_t row) {
    return s.kind[row] == SliceKind::kBeginEnd || s.kind[row] == SliceKind::kUnclosed;
  };
  uint32_t parent = s.parent[order.row];
  // What began later, at the same time, is no parent: it follows.
  for (int i = 0; i < kSteps && parent != kNoRow && paired(parent) && parent > order.row; ++i) {
    parent = s.parent[parent];
  }
  // The begin around it may have ended at this very time; what lies inside that one is nearer.
  if (order.parent != kNoRow && (parent == kNoRow || s.depth[parent] < s.depth[order.parent])) {
    parent = order.parent;
  }
  s.parent[order.row] = parent;
  s.depth[order.row] =
      parent == kNoRow
          ? uint16_t{0}
          : static_cast<uint16_t>(std::min<uint32_t>(s.depth[parent] + uint32_t{1}, UINT16_MAX));
  if (parent != kNoRow) s.track[order.row] = s.track[parent];
}

}  // namespace

void sort_by_time(Trace& trace, const PairedRows& paired) {
  SliceColumns& s = trace.slices;
  const size_t n = s.size();
  Column<uint32_t>& order = s.by_time;
  order.resize(n);
  for (size_t i = 0; i < n; ++i) order[i] = static_cast<uint32_t>(i);
  const auto before = [&](uint32_t a, uint32_t b) {
    if (s.ts[a] != s.ts[b]) return s.ts[a] < s.ts[b];
    const int64_t end_a = s.end(a);
    const int64_t end_b = s.end(b);
    if (end_a != end_b) return end_a > end_b;
    // A begin in front of event k of the file has the place 2k, that event 2k + 1.
    const auto place = [&](uint32_t row) {
      const uint32_t pair = row - paired.first;  // wraps for rows of one event
      return row >= paired.first && pair < paired.rows_before.size()
                 ? uint64_t{paired.rows_before[pair]} * 2
                 : uint64_t{row} * 2 + 1;
    };
    return place(a) != place(b) ? place(a) < place(b) : a < b;
  };
  int64_t low = n > 0 ? s.ts[0] : 0;
  int64_t high = low;
  for (size_t i = 1; i < n; ++i) {
    low = std::min(low, s.ts[i]);
    high = std::max(high, s.ts[i]);
  }
  const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  const int row_bits = std::bit_width(n);
  if (n < 4096 || std::bit_width(span) + row_bits > 64) {
    std::sort(order.data(), order.data() + n, before);
    return;
  }
  // Time since the first event and row in one word; then equal times by length.
  std::vector<uint64_t> from(n);
  for (size_t i = 0; i < n; ++i) {
    from[i] = ((static_cast<uint64_t>(s.ts[i]) - static_cast<uint64_t>(low)) << row_bits) | i;
  }
  radix_sort(from, row_bits, std::bit_width(span) + row_bits);
  const uint64_t row_mask = (uint64_t{1} << row_bits) - 1;
  for (size_t i = 0; i < n; ++i) order[i] = static_cast<uint32_t>(from[i] & row_mask);
  for (size_t i = 0; i < n;) {
    size_t j = i + 1;
    while (j < n && from[j] >> row_bits == from[i] >> row_bits) ++j;
    if (j - i > 1) std::sort(order.data() + i, order.data() + j, before);
    i = j;
  }
}

void nest(Trace& trace, const std::vector<StackOrder>& empty) {
  SliceColumns& s = trace.slices;
  const size_t n = s.size();
  s.parent.resize(n);
  s.depth.resize(n);
  std::vector<std::vector<Lane>> places(trace.tracks.size());
  for (size_t t = 0; t < places.size(); ++t) {
    places[t].push_back({static_cast<uint32_t>(t), {}});
  }
  for (size_t i = 0; i < n; ++i) {
    const uint32_t row = s.by_time[i];
    const int64_t ts = s.ts[row];
    const int64_t end = s.end(row);
    std::vector<Lane>& lanes = places[s.track[row]];
    size_t lane = 0;
    for (;; ++lane) {
      if (lane == lanes.size()) {
        Track further = trace.tracks[lanes[0].track];
        further.lane = static_cast<uint32_t>(lane);
        further.base = lanes[0].track;
        lanes.push_back({static_cast<uint32_t>(trace.tracks.size()), {}});
        trace.tracks.push_back(further);
      }
      std::vector<OpenSlice>& stack = lanes[lane].stack;
      while (!stack.empty() && stack.back().end <= ts) stack.pop_back();
      if (stack.empty() || end <= stack.back().end) break;
      if (lane + 1 == kMaxLanes) {
        stack.clear();
        break;
      }
    }
    std::vector<OpenSlice>& stack = lanes[lane].stack;
    s.parent[row] = stack.empty() ? kNoRow : stack.back().row;
    s.depth[row] = static_cast<uint16_t>(std::min<size_t>(stack.size(), UINT16_MAX));
    if (lane > 0) {
      s.track[row] = lanes[lane].track;
      trace.overlaps += trace.tracks[s.track[row]].kind == TrackKind::kThread;
    }
    stack.push_back({end, row});
  }
  for (const StackOrder& order : empty) follow_stack(trace, order);
}

void make_indexes(Trace& trace) {
  SliceColumns& s = trace.slices;
  int64_t low = std::numeric_limits<int64_t>::max();
  int64_t high = std::numeric_limits<int64_t>::min();
  uint64_t count = 0;
  for (const int64_t c : s.correlation) {
    if (c == kNoCorrelation) continue;
    low = std::min(low, c);
    high = std::max(high, c);
    ++count;
  }
  s.by_correlation.resize(0);
  s.by_correlation.reserve(count);
  for (uint32_t row = 0; row < s.size(); ++row) {
    if (s.correlation[row] != kNoCorrelation) s.by_correlation.push_back(row);
  }
  const uint64_t span = count > 0 ? static_cast<uint64_t>(high) - static_cast<uint64_t>(low) : 0;
  const int row_bits = std::bit_width(s.size());
  if (std::bit_width(span) + row_bits <= 64) {
    std::vector<uint64_t> keys(count);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t row = s.by_correlation[i];
      const uint64_t value = static_cast<uint64_t>(s.correlation[row]) - static_cast<uint64_t>(low);
      keys[i] = (value << row_bits) | row;
    }
    radix_sort(keys, row_bits, std::bit_width(span) + row_bits);
    const uint64_t mask = (uint64_t{1} << row_bits) - 1;
    for (size_t i = 0; i < count; ++i) s.by_correlation[i] = static_cast<uint32_t>(keys[i] & mask);
  } else {
    std::sort(
        s.by_correlation.data(), s.by_correlation.data() + count, [&](uint32_t a, uint32_t b) {
          return s.correlation[a] != s.correlation[b] ? s.correlation[a] < s.correlation[b] : a < b;
        });
  }
  std::vector<uint8_t> gpu(trace.strings.size());
  std::vector<uint8_t> runtime(trace.strings.size());
  for (StringId id = 0; id < gpu.size(); ++id) {
    const CategoryClass c = category_class(trace.strings.view(id));
    gpu[id] = is_gpu(c);
    runtime[id] = c == CategoryClass::kRuntime;
  }
  s.runtime_rows.resize(0);
  for (uint32_t row = 0; row < s.size(); ++row) {
    if (runtime[s.category[row]] != 0) s.runtime_rows.push_back(row);
  }
  s.gpu_rows.resize(0);
  for (const uint32_t row : s.by_time) {
    if (gpu[s.category[row]] != 0 && s.dur[row] != kOpen) s.gpu_rows.push_back(row);
  }
}

void make_stats(Trace& trace) {
  const SliceColumns& s = trace.slices;
  const size_t n = s.size();
  const size_t names = trace.strings.size();
  std::vector<NameStats> all(names);
  std::vector<uint32_t> start(names + 1, 0);
  for (size_t i = 0; i < n; ++i) {
    const int64_t dur = s.dur[i];
    if (dur == kOpen) continue;
    NameStats& t = all[s.name[i]];
    if (t.count == 0 || dur < t.min) t.min = dur;
    if (t.count == 0 || dur > t.max) t.max = dur;
    ++t.count;
    t.total = wrapping_add(t.total, dur);
    t.self = wrapping_add(t.self, dur);
    t.sum_squares += static_cast<double>(dur) * static_cast<double>(dur);
    ++start[s.name[i] + 1];
    if (s.parent[i] != kNoRow && s.dur[s.parent[i]] != kOpen) {
      int64_t& self = all[s.name[s.parent[i]]].self;
      self = wrapping_subtract(self, dur);
    }
  }
  for (size_t i = 0; i < names; ++i) start[i + 1] += start[i];
  std::vector<int64_t> durs(start[names]);
  std::vector<uint32_t> next(start.begin(), start.end() - 1);
  for (size_t i = 0; i < n; ++i) {
    if (s.dur[i] != kOpen) durs[next[s.name[i]]++] = s.dur[i];
  }
  trace.stats.clear();
  for (size_t i = 0; i < names; ++i) {
    if (all[i].count == 0) continue;
    all[i].name = static_cast<StringId>(i);
    const auto first = durs.begin() + start[i];
    const auto last = durs.begin() + start[i + 1];
    const auto middle = first + (last - first - 1) / 2;
    std::nth_element(first, middle, last);
    all[i].median = *middle;
    trace.stats.push_back(all[i]);
  }
  std::sort(trace.stats.begin(), trace.stats.end(), [&](const NameStats& a, const NameStats& b) {
    if (a.total != b.total) return a.total > b.total;
    return trace.strings.view(a.name) < trace.strings.view(b.name);
  });
}

}  // namespace molgen3d::trace
