// trace top, trace small: totals per name, short name or kernel group.
#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "trace/report_parts.h"

namespace molgen3d::trace {
namespace {

struct Group {
  std::string label;
  std::vector<int64_t> values;
  NameStats stats;
};

NameStats stats_of(std::vector<int64_t>& values) {
  NameStats s;
  s.count = static_cast<int64_t>(values.size());
  if (values.empty()) return s;
  const auto middle = values.begin() + (s.count - 1) / 2;
  std::nth_element(values.begin(), middle, values.end());
  s.median = *middle;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  s.min = *low;
  s.max = *high;
  for (const int64_t v : values) {
    s.total += v;
    s.sum_squares += static_cast<double>(v) * static_cast<double>(v);
  }
  return s;
}

double deviation_us(const NameStats& s) {
  const double n = static_cast<double>(s.count);
  const double mean = static_cast<double>(s.total) / n;
  return std::sqrt(std::max(0.0, s.sum_squares / n - mean * mean)) / 1e3;
}

std::vector<Cell> row_cells(const std::string& label, const NameStats& s, double whole,
                            bool with_self) {
  std::vector<Cell> cells = {s.count, ms(s.total)};
  if (with_self) cells.emplace_back(ms(s.self));
  const double part = static_cast<double>(with_self ? s.self : s.total);
  cells.insert(cells.end(), {percent(part, whole), us(s.total) / static_cast<double>(s.count),
                             us(s.median), us(s.min), us(s.max), deviation_us(s), label});
  return cells;
}

std::vector<std::string> columns(bool with_self) {
  std::vector<std::string> names = {"count", "total_ms"};
  if (with_self) names.emplace_back("self_ms");
  for (const char* n : {"percent", "mean_us", "median_us", "min_us", "max_us", "std_us", "name"}) {
    names.emplace_back(n);
  }
  return names;
}

}  // namespace

std::vector<ReportTable> report_top(const Trace& trace, const ReportOptions& options) {
  const std::vector<CategoryClass> classes = category_classes(trace);
  const RowFilter filter(trace, options);
  const SliceColumns& s = trace.slices;
  const bool by_group = options.group == "all";
  const bool gpu = options.gpu_only || !options.group.empty();
  const StringId category = options.category.empty() ? 0 : trace.strings.find(options.category);
  if (!options.category.empty() && category == 0) {
    throw Error::format("{}: no category {}", trace.path, in_quotes(options.category));
  }

  std::vector<std::pair<std::string, NameStats>> lines;
  const bool whole_trace = !filter.active() && !gpu && category == 0 && !options.short_names;
  if (whole_trace) {
    for (const NameStats& n : trace.stats) {
      lines.emplace_back(std::string(trace.strings.view(n.name)), n);
    }
  } else {
    // Label per name, made once; copies and fills get theirs from the category.
    std::vector<std::string> labels(trace.strings.size());
    std::vector<std::string> groups(trace.strings.size());
    std::map<std::string, size_t> index;
    std::vector<Group> found;
    const auto visit = [&](uint32_t row) {
      if (s.dur[row] == kOpen || !filter(row)) return;
      if (category != 0 && s.category[row] != category) return;
      const StringId name = s.name[row];
      const CategoryClass c = classes[s.category[row]];
      if (labels[name].empty()) {
        const std::string_view text = trace.strings.view(name);
        groups[name] = gpu ? std::string(kernel_group(c, text)) : "";
        labels[name] = by_group              ? groups[name]
                       : options.short_names ? short_name(text)
                                             : std::string(text);
        if (labels[name].empty()) labels[name] = "(no name)";
      }
      if (!by_group && !options.group.empty() && groups[name] != options.group) return;
      const auto [it, added] = index.try_emplace(labels[name], found.size());
      if (added) found.push_back({labels[name], {}, {}});
      Group& g = found[it->second];
      g.values.push_back(s.dur[row]);
      g.stats.self += s.dur[row];
      // The parent's self time shrinks where the parent is counted too.
      const uint32_t parent = s.parent[row];
      if (options.self && parent != kNoRow && !labels[s.name[parent]].empty()) {
        const auto p = index.find(labels[s.name[parent]]);
        if (p != index.end()) found[p->second].stats.self -= s.dur[row];
      }
    };
    if (gpu) {
      for (const uint32_t row : s.gpu_rows) visit(row);
    } else {
      for (const uint32_t row : s.by_time) visit(row);
    }
    for (Group& g : found) {
      const int64_t self = g.stats.self;
      g.stats = stats_of(g.values);
      g.stats.self = self;
      lines.emplace_back(g.label, g.stats);
    }
  }
  const auto key = [&](const NameStats& n) { return options.self ? n.self : n.total; };
  std::sort(lines.begin(), lines.end(), [&](const auto& a, const auto& b) {
    return key(a.second) != key(b.second) ? key(a.second) > key(b.second) : a.first < b.first;
  });
  double whole = 0;
  for (const auto& line : lines) whole += static_cast<double>(key(line.second));
  ReportTable table;
  table.title = fmt::format("{} by {} time ({} rows)",
                            by_group              ? "kernel groups"
                            : options.short_names ? "short names"
                                                  : "names",
                            options.self ? "self" : "total", lines.size());
  table.columns = columns(options.self);
  for (const auto& [label, stats] : lines) {
    if (options.limit != 0 && table.rows.size() == options.limit) break;
    table.rows.push_back(row_cells(label, stats, whole, options.self));
  }
  table.notes.push_back(
      fmt::format("percent: of {:.3f} ms, the sum over all rows; slices inside slices count twice "
                  "in totals, not in self times",
                  whole / 1e6));
  std::vector<ReportTable> tables = {std::move(table)};
  if (by_group) {
    ReportOptions rest = options;
    rest.group = "other";
    rest.limit = 10;
    ReportTable other = report_top(trace, rest)[0];
    other.title = "what no rule of the group table knows (\"other\")";
    other.notes.clear();
    if (!other.rows.empty()) tables.push_back(std::move(other));
  }
  return tables;
}

std::vector<ReportTable> report_small(const Trace& trace, const ReportOptions& options) {
  const RowFilter filter(trace, options);
  const SliceColumns& s = trace.slices;
  struct Small {
    int64_t count = 0;
    int64_t total = 0;
    int64_t all = 0;
  };
  std::vector<Small> by_name(trace.strings.size());
  for (uint32_t row = 0; row < s.size(); ++row) {
    // Instants have no length: the study had to leave "Iteration Start" out by hand.
    if (s.dur[row] == kOpen || s.kind[row] == SliceKind::kInstant || !filter(row)) continue;
    Small& n = by_name[s.name[row]];
    ++n.all;
    if (s.dur[row] >= options.small_ns) continue;
    ++n.count;
    n.total += s.dur[row];
  }
  std::vector<StringId> names;
  Small sum;
  for (StringId id = 0; id < by_name.size(); ++id) {
    sum.count += by_name[id].count;
    sum.total += by_name[id].total;
    if (by_name[id].count > options.small_calls) names.push_back(id);
  }
  std::sort(names.begin(), names.end(), [&](StringId a, StringId b) {
    return by_name[a].count != by_name[b].count ? by_name[a].count > by_name[b].count : a < b;
  });
  ReportTable table;
  table.title = fmt::format("names with more than {} slices shorter than {} us",
                            options.small_calls, us(options.small_ns));
  table.columns = {"count", "total_ms", "mean_us", "percent_of_calls", "name"};
  for (const StringId id : names) {
    if (options.limit != 0 && table.rows.size() == options.limit) break;
    const Small& n = by_name[id];
    table.rows.push_back({n.count, ms(n.total), us(n.total) / static_cast<double>(n.count),
                          percent(static_cast<double>(n.count), static_cast<double>(n.all)),
                          std::string(trace.strings.view(id))});
  }
  table.notes.push_back(
      fmt::format("all names together: {} slices that short, {:.3f} ms", sum.count, ms(sum.total)));
  return {table};
}

}  // namespace molgen3d::trace
