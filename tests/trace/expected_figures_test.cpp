// Every figure of the independent golden file over the sample traces, matched exactly.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "test_data.h"
#include "trace/read/trace_reader.h"

namespace molgen3d::trace {
namespace {

using nlohmann::json;

bool is_gpu(std::string_view category) {
  return category == "kernel" || category == "gpu_memcpy" || category == "gpu_memset";
}

// The figures again, straight from the columns, in the shape of the golden file.
json figures(const Trace& t) {
  const SliceColumns& s = t.slices;
  json out;
  out["json_bytes"] = t.json_bytes;
  out["events"] = t.events;
  json ph = json::object();
  for (int c = 0; c < 256; ++c) {
    if (t.phase_count[c] != 0) ph[std::string(1, static_cast<char>(c))] = t.phase_count[c];
  }
  out["ph"] = ph;
  std::map<std::string, std::pair<int64_t, int64_t>> by_category;
  std::set<StringId> names;
  std::set<uint32_t> tracks;
  int64_t overlaps = 0;
  std::optional<int64_t> low;
  std::optional<int64_t> high;
  struct Gpu {
    int64_t count = 0, sum = 0, min = INT64_MAX, max = 0;
  };
  std::map<std::string, Gpu> gpu_names;
  std::map<std::string, std::vector<std::pair<int64_t, int64_t>>> gpu_intervals;
  std::map<std::string, std::array<int64_t, 3>> copies;
  std::unordered_map<uint32_t, int64_t> bytes;
  for (const SliceBytes& b : t.bytes) bytes[b.row] = b.bytes;
  std::unordered_map<int64_t, uint32_t> cpu_by_correlation;
  std::map<int64_t, std::vector<uint32_t>> gpu_by_correlation;
  int64_t cpu_twice = 0;
  int64_t gpu_with_correlation = 0;
  for (uint32_t i = 0; i < s.size(); ++i) {
    if (s.kind[i] != SliceKind::kComplete) continue;
    const std::string category =
        s.category[i] == 0 ? "None" : std::string(t.strings.view(s.category[i]));
    auto& c = by_category[category];
    ++c.first;
    c.second += s.dur[i];
    names.insert(s.name[i]);
    tracks.insert(t.tracks[s.track[i]].base);
    overlaps += t.tracks[s.track[i]].lane > 0;
    low = low ? std::min(*low, s.ts[i]) : s.ts[i];
    high = high ? std::max(*high, s.end(i)) : s.end(i);
    const int64_t correlation = s.correlation[i];
    if (is_gpu(category)) {
      const std::string name(t.strings.view(s.name[i]));
      Gpu& g = gpu_names[name];
      ++g.count;
      g.sum += s.dur[i];
      g.min = std::min(g.min, s.dur[i]);
      g.max = std::max(g.max, s.dur[i]);
      const OsId pid = t.processes[t.tracks[s.track[i]].upid].pid;
      gpu_intervals[pid.text != 0 ? std::string(t.strings.view(pid.text))
                                  : std::to_string(pid.number)]
          .emplace_back(s.ts[i], s.end(i));
      if (category == "gpu_memcpy") {
        auto& m = copies[name.substr(0, name.find(" ("))];
        ++m[0];
        m[1] += bytes.count(i) ? bytes[i] : 0;
        m[2] += s.dur[i];
      }
      if (correlation != kNoCorrelation) {
        ++gpu_with_correlation;
        gpu_by_correlation[correlation].push_back(i);
      }
    } else if ((category == "cuda_runtime" || category == "cuda_driver") &&
               correlation != kNoCorrelation) {
      if (!cpu_by_correlation.emplace(correlation, i).second) ++cpu_twice;
    }
  }
  json categories = json::object();
  for (const auto& [name, c] : by_category) categories[name] = {c.first, c.second};
  out["X_by_cat_count_sumdur_ns"] = categories;
  out["distinct_X_names"] = names.size();
  out["tracks_with_X"] = tracks.size();
  out["partially_overlapping_X"] = overlaps;
  if (low) {
    out["X_min_ts_ns"] = *low;
    out["X_max_end_ns"] = *high;
  }
  if (gpu_names.empty()) return out;

  for (const auto& [name, g] : gpu_names) {
    out["gpu_names"][name] = {g.count, g.sum, g.min, g.max};
  }
  for (auto& [pid, intervals] : gpu_intervals) {
    std::sort(intervals.begin(), intervals.end());
    int64_t busy = 0;
    int64_t end = INT64_MIN;
    for (const auto& [a, b] : intervals) {
      if (b <= end) continue;
      busy += b - std::max(a, end);
      end = b;
    }
    out["gpu_by_pid"][pid] = {{"busy_union_ns", busy},
                              {"span_ns", end - intervals.front().first},
                              {"events", intervals.size()}};
  }
  out["memcpy_kind_count_bytes_ns"] = json::object();
  for (const auto& [kind, m] : copies) {
    out["memcpy_kind_count_bytes_ns"][kind] = {m[0], m[1], m[2]};
  }
  int64_t linked = 0, orphans = 0, fanout = 0, one_to_one = 0, sum_delay = 0, negative = 0;
  int64_t sum_api = 0;
  std::optional<int64_t> min_delay;
  std::optional<int64_t> max_delay;
  for (const auto& [correlation, rows] : gpu_by_correlation) {
    fanout = std::max<int64_t>(fanout, static_cast<int64_t>(rows.size()));
    const auto cpu = cpu_by_correlation.find(correlation);
    if (cpu == cpu_by_correlation.end()) {
      orphans += static_cast<int64_t>(rows.size());
      continue;
    }
    ++linked;
    sum_api += s.dur[cpu->second];
    if (rows.size() != 1) continue;
    ++one_to_one;
    const int64_t delay = s.ts[rows[0]] - s.ts[cpu->second];
    sum_delay += delay;
    negative += delay < 0;
    min_delay = min_delay ? std::min(*min_delay, delay) : delay;
    max_delay = max_delay ? std::max(*max_delay, delay) : delay;
  }
  json launch = {{"gpu_events_with_corr", gpu_with_correlation},
                 {"distinct_corr", gpu_by_correlation.size()},
                 {"corr_linked_to_cpu", linked},
                 {"orphan_gpu_events", orphans},
                 {"corr_seen_twice_on_cpu", cpu_twice},
                 {"max_fanout", fanout},
                 {"one_to_one", one_to_one},
                 {"sum_delay_ns_one_to_one", sum_delay},
                 {"negative_delays", negative},
                 {"sum_api_dur_ns_linked", sum_api}};
  launch["min_delay_ns"] = min_delay ? json(*min_delay) : json(nullptr);
  launch["max_delay_ns"] = max_delay ? json(*max_delay) : json(nullptr);
  out["launch"] = launch;
  return out;
}

TEST(ExpectedFigures, AllSampleTraces) {
  std::ifstream file(MOLGEN3D_SOURCE_DIR "/tests/data/traces/expected.json");
  const json expected = json::parse(file);
  for (const auto& [name, want] : expected.items()) MOLGEN3D_NEEDS_DATA("traces/" + name);
  size_t figures_seen = 0;
  for (const auto& [name, want] : expected.items()) {
    SCOPED_TRACE(name);
    ReadOptions options;
    options.use_cache = false;
    const Trace trace = read_trace(test::test_data("traces/" + name), options);
    EXPECT_TRUE(trace.issue_counts.empty() || name.starts_with("catapult"));
    const json got = figures(trace);
    for (const auto& [key, value] : want.items()) {
      ++figures_seen;
      if (key != "top_gpu_name_count_sum_min_max_ns") {
        EXPECT_EQ(got.value(key, json()), value) << key;
        continue;
      }
      for (const auto& row : value) {
        const json& mine = got["gpu_names"].value(row[0].get<std::string>(), json());
        EXPECT_EQ(mine, json::array({row[1], row[2], row[3], row[4]})) << row[0];
      }
    }
  }
  EXPECT_EQ(expected.size(), 39u);
  EXPECT_GT(figures_seen, 39u * 7);
}

}  // namespace
}  // namespace molgen3d::trace
