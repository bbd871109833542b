// trace gpu, trace memory, trace launches.
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "trace/reports/report_parts.h"

namespace molgen3d::trace {
namespace {

constexpr const char* kNoGpu = "no kernels, copies or fills in this trace (or in the range)";

std::unordered_map<uint32_t, int64_t> bytes_by_row(const Trace& trace) {
  std::unordered_map<uint32_t, int64_t> bytes;
  for (const SliceBytes& b : trace.bytes) bytes[b.row] = b.bytes;
  return bytes;
}

// "Memcpy DtoH (Device -> Pinned)" -> "Memcpy DtoH"
std::string copy_kind(std::string_view name) {
  return std::string(name.substr(0, name.find(" (")));
}

}  // namespace

std::vector<Table> report_gpu(const Trace& trace, const ReportOptions& options) {
  const std::vector<CategoryClass> classes = category_classes(trace);
  const RowFilter filter(trace, options);
  const SliceColumns& s = trace.slices;
  struct Row {
    int64_t count = 0;
    int64_t first = std::numeric_limits<int64_t>::max();
    int64_t last = std::numeric_limits<int64_t>::min();
    std::vector<Interval> all;  // in time order, as gpu_rows are
    std::vector<Interval> compute;
    std::vector<Interval> copies;
  };
  std::map<uint32_t, Row> devices;
  std::map<uint32_t, Row> streams;
  const auto note = [&](Row& r, uint32_t row) {
    ++r.count;
    r.first = std::min(r.first, s.ts[row]);
    r.last = std::max(r.last, s.end(row));
    r.all.emplace_back(s.ts[row], s.end(row));
  };
  for (const uint32_t row : s.gpu_rows) {
    if (!filter(row)) continue;
    const bool kernel = classes[s.category[row]] == CategoryClass::kKernel;
    const Track& track = trace.tracks[s.track[row]];
    Row& device = devices[track.upid];
    note(device, row);
    (kernel ? device.compute : device.copies).push_back(device.all.back());
    note(streams[track.base], row);
  }
  Table device_table;
  device_table.title = "devices: busy time is the union of all intervals";
  device_table.header = {"device",       "events",     "span_ms", "busy_ms",
                         "busy_percent", "compute_ms", "copy_ms", "copy_not_hidden_ms",
                         "idle_ms"};
  Table stream_table;
  stream_table.title = "streams";
  stream_table.header = {"device",       "stream", "events", "busy_ms", "idle_in_its_span_ms",
                         "median_gap_us"};
  for (auto& [upid, r] : devices) {
    const IntervalSet compute(std::move(r.compute));
    const IntervalSet copies(std::move(r.copies));
    const IntervalSet busy(std::move(r.all));
    const int64_t span = r.last - r.first;
    device_table.rows.push_back({trace.process_label(upid), r.count, ms(span), ms(busy.length()),
                                 percent(ms(busy.length()), ms(span)), ms(compute.length()),
                                 ms(copies.length()), ms(busy.length() - compute.length()),
                                 ms(span - busy.length())});
  }
  for (auto& [base, r] : streams) {
    const IntervalSet busy(std::move(r.all));
    std::vector<int64_t> gaps;
    for (size_t i = 1; i < busy.parts().size(); ++i) {
      gaps.push_back(busy.parts()[i].first - busy.parts()[i - 1].second);
    }
    Cell median;
    if (!gaps.empty()) {
      std::nth_element(gaps.begin(), gaps.begin() + (gaps.size() - 1) / 2, gaps.end());
      median = us(gaps[(gaps.size() - 1) / 2]);
    }
    stream_table.rows.push_back({trace.process_label(trace.tracks[base].upid),
                                 trace.track_label(base), r.count, ms(busy.length()),
                                 ms(r.last - r.first - busy.length()), median});
  }
  if (devices.empty()) device_table.notes.emplace_back(kNoGpu);
  return {device_table, stream_table};
}

std::vector<Table> report_memory(const Trace& trace, const ReportOptions& options) {
  const std::vector<CategoryClass> classes = category_classes(trace);
  const RowFilter filter(trace, options);
  const SliceColumns& s = trace.slices;
  const std::unordered_map<uint32_t, int64_t> bytes = bytes_by_row(trace);
  struct Kind {
    Durations times;
    std::vector<int64_t> sizes;
    int64_t bytes = 0;
    int64_t timed_bytes = 0;  // of copies longer than 0 ns
    int64_t without_size = 0;
  };
  std::map<std::string, Kind> kinds;
  for (const uint32_t row : s.gpu_rows) {
    if (classes[s.category[row]] == CategoryClass::kKernel || !filter(row)) continue;
    Kind& k = kinds[copy_kind(trace.strings.view(s.name[row]))];
    k.times.add(s.dur[row]);
    if (const auto it = bytes.find(row); it != bytes.end()) {
      k.bytes += it->second;
      k.sizes.push_back(it->second);
      if (s.dur[row] > 0) k.timed_bytes += it->second;
    } else {
      ++k.without_size;
    }
  }
  Table table;
  table.title = "copies and fills";
  table.header = {"kind",     "count",      "bytes",        "total_ms", "mean_us",
                  "gb_per_s", "mean_bytes", "median_bytes", "max_bytes"};
  for (auto& [name, k] : kinds) {
    const auto n = static_cast<int64_t>(k.times.values.size());
    Cell rate;
    Cell mean_bytes;
    Cell median_bytes;
    Cell max_bytes;
    if (k.times.total > 0) {
      rate = static_cast<double>(k.timed_bytes) / static_cast<double>(k.times.total);
    }
    if (!k.sizes.empty()) {
      const auto middle = k.sizes.begin() + (k.sizes.size() - 1) / 2;
      std::nth_element(k.sizes.begin(), middle, k.sizes.end());
      median_bytes = *middle;
      max_bytes = *std::max_element(k.sizes.begin(), k.sizes.end());
      mean_bytes = static_cast<double>(k.bytes) / static_cast<double>(k.sizes.size());
    }
    table.rows.push_back({name, n, k.bytes, ms(k.times.total),
                          us(k.times.total) / static_cast<double>(n), rate, mean_bytes,
                          median_bytes, max_bytes});
    if (k.without_size > 0) {
      table.notes.push_back(
          fmt::format("{}: {} events do not say their size", name, k.without_size));
    }
  }
  if (kinds.empty()) table.notes.emplace_back("no copies or fills on a device in this trace");
  return {table};
}

namespace {

/// Calls of the host's API and what they started on the device.
struct Launches {
  struct Api {
    Durations calls;
    int64_t started = 0;  ///< GPU slices
  };
  std::map<StringId, Api> apis;
  std::vector<int64_t> call_times;  ///< ns
  Durations delay;                  ///< device start - call start
  Durations queue;                  ///< device start - call end, at least 0
  int64_t linked = 0;               ///< calls that started something
  int64_t linked_gpu = 0;           ///< what they started
  int64_t orphans = 0;              ///< GPU slices without a call
  int64_t shorter_than_call = 0;    ///< single kernels
  int64_t negative = 0;             ///< started before their call
  size_t fanout = 0;                ///< most by one call
};

/// What each call started, by correlation.
void add_links(const Trace& trace, const std::vector<CategoryClass>& classes,
               const RowFilter& filter, Launches& links) {
  const SliceColumns& s = trace.slices;
  // Groups of equal correlation: at most one call (the first), any number of GPU slices.
  const Column<uint32_t>& rows = s.by_correlation;
  std::vector<uint32_t> gpu;
  for (size_t i = 0; i < rows.size();) {
    size_t j = i;
    uint32_t call = kNoRow;
    gpu.clear();
    for (; j < rows.size() && s.correlation[rows[j]] == s.correlation[rows[i]]; ++j) {
      const CategoryClass c = classes[s.category[rows[j]]];
      if (c == CategoryClass::kRuntime) {
        if (call == kNoRow) call = rows[j];
      } else if (is_gpu(c) && s.dur[rows[j]] != kOpen) {
        gpu.push_back(rows[j]);
      }
    }
    i = j;
    if (call == kNoRow) {
      for (const uint32_t row : gpu) links.orphans += filter(row);
      continue;
    }
    if (gpu.empty() || !filter(call)) continue;
    ++links.linked;
    links.linked_gpu += static_cast<int64_t>(gpu.size());
    links.fanout = std::max(links.fanout, gpu.size());
    links.apis[s.name[call]].started += static_cast<int64_t>(gpu.size());
    const uint32_t first = *std::min_element(
        gpu.begin(), gpu.end(), [&](uint32_t a, uint32_t b) { return s.ts[a] < s.ts[b]; });
    links.delay.add(s.ts[first] - s.ts[call]);
    links.queue.add(std::max<int64_t>(0, s.ts[first] - s.end(call)));
    links.negative += s.ts[first] < s.ts[call];
    if (gpu.size() == 1) links.shorter_than_call += s.dur[first] < s.dur[call];
  }
}

/// Every call with its time.
void add_calls(const Trace& trace, const RowFilter& filter, Launches& links) {
  const SliceColumns& s = trace.slices;
  std::vector<Launches::Api*> api_of(trace.strings.size(), nullptr);
  for (const uint32_t row : s.runtime_rows) {
    if (s.dur[row] == kOpen || !filter(row)) continue;
    Launches::Api*& api = api_of[s.name[row]];
    if (api == nullptr) api = &links.apis[s.name[row]];
    api->calls.add(s.dur[row]);
    links.call_times.push_back(s.ts[row]);
  }
}

/// Annotations that are steps.
std::vector<Interval> step_times(const Trace& trace, const std::vector<CategoryClass>& classes,
                                 const RowFilter& filter, const std::string& pattern) {
  std::vector<Interval> steps;
  if (pattern.empty()) return steps;
  const SliceColumns& s = trace.slices;
  std::vector<uint8_t> is_step(trace.strings.size(), 0);
  for (StringId id = 1; id < is_step.size(); ++id) {
    is_step[id] = glob_match(pattern, trace.strings.view(id));
  }
  for (uint32_t row = 0; row < s.size(); ++row) {
    if (!is_step[s.name[row]] || !filter(row)) continue;
    if (classes[s.category[row]] == CategoryClass::kAnnotation) {
      steps.emplace_back(s.ts[row], s.end(row));
    }
  }
  return steps;
}

Table calls_table(const Trace& trace, Launches& links, size_t limit) {
  Table calls;
  calls.title = "calls on the host";
  calls.header = {"count",  "total_ms",           "mean_us", "median_us", "min_us", "max_us",
                  "std_us", "gpu_slices_started", "name"};
  std::vector<std::pair<StringId, Launches::Api*>> order;
  for (auto& [name, api] : links.apis) order.emplace_back(name, &api);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second->calls.total != b.second->calls.total
               ? a.second->calls.total > b.second->calls.total
               : a.first < b.first;
  });
  for (const auto& [name, api] : order) {
    if (limit != 0 && calls.rows.size() == limit) break;
    std::vector<Cell> cells = api->calls.cells();
    cells.emplace_back(api->started);
    cells.emplace_back(std::string(trace.strings.view(name)));
    calls.rows.push_back(std::move(cells));
  }
  return calls;
}

Table delays_table(Launches& links) {
  Table delays;
  delays.title = "from the call to the first thing it starts on the device";
  delays.header = {"count",  "total_ms", "mean_us", "median_us",
                   "min_us", "max_us",   "std_us",  "what"};
  const auto put = [&](Durations& d, const char* what) {
    std::vector<Cell> cells = d.cells();
    cells.emplace_back(std::string(what));
    delays.rows.push_back(std::move(cells));
  };
  put(links.delay, "delay: device start - call start");
  put(links.queue, "queue: device start - call end, at least 0");
  delays.notes.push_back(fmt::format(
      "{} of {} calls started {} device slices (most by one call: {}); {} device slices have no "
      "call in the trace",
      links.linked, links.call_times.size(), links.linked_gpu, links.fanout, links.orphans));
  delays.notes.push_back(
      fmt::format("{} single kernels ran shorter than their call took; {} start before their call "
                  "(clock error)",
                  links.shorter_than_call, links.negative));
  return delays;
}

}  // namespace

std::vector<Table> report_launches(const Trace& trace, const ReportOptions& options) {
  const std::vector<CategoryClass> classes = category_classes(trace);
  const RowFilter filter(trace, options);
  Launches links;
  add_links(trace, classes, filter, links);
  add_calls(trace, filter, links);
  Table delays = delays_table(links);
  const std::string pattern = step_pattern(trace);
  std::vector<Interval> steps = step_times(trace, classes, filter, pattern);
  if (!steps.empty()) {
    const size_t count = steps.size();
    const IntervalSet times(std::move(steps));
    const auto inside = std::count_if(links.call_times.begin(), links.call_times.end(),
                                      [&](int64_t t) { return times.contains(t); });
    delays.notes.push_back(fmt::format("per step ({} x {}): {:.1f} calls", count, pattern,
                                       static_cast<double>(inside) / static_cast<double>(count)));
  }
  return {calls_table(trace, links, options.limit), delays};
}

}  // namespace molgen3d::trace
