// trace top, trace small: totals per name, short name or kernel group.
#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "trace/reports/report_parts.h"

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

namespace {

using Line = std::pair<std::string, NameStats>;

// Slices under one label, and which of them lie inside another one of the same label.
class Labelled {
 public:
  Labelled(const Trace& trace, const ReportOptions& options, bool exact_group)
      : trace_(trace),
        options_(options),
        exact_group_(exact_group),
        classes_(category_classes(trace)),
        of_name_(trace.strings.size(), kUnseen) {}

  void add(uint32_t row) {
    const SliceColumns& s = trace_.slices;
    const uint32_t label = label_of(row);
    if (label == kLeftOut) return;
    Group& g = groups_[label];
    // Names that become one when shortened can contain each other, a function can call itself: the
    // time is then in the outer one already.
    if (options_.short_names &&
        inside_its_like(trace_, row, [&](StringId name) { return of_name_[name] == label; })) {
      ++nested_;
    } else {
      g.values.push_back(s.dur[row]);
    }
    g.stats.self += s.dur[row];
    // The parent's self time shrinks where the parent is counted too.
    const uint32_t parent = s.parent[row];
    if (options_.self && parent != kNoRow && of_name_[s.name[parent]] < kLeftOut) {
      groups_[of_name_[s.name[parent]]].stats.self -= s.dur[row];
    }
  }

  uint64_t nested() const { return nested_; }

  std::vector<Line> lines() {
    std::vector<Line> lines;
    for (Group& g : groups_) {
      if (g.values.empty()) continue;
      const int64_t self = g.stats.self;
      g.stats = stats_of(g.values);
      g.stats.self = self;
      lines.emplace_back(g.label, g.stats);
    }
    return lines;
  }

 private:
  static constexpr uint32_t kLeftOut = UINT32_MAX - 1;
  static constexpr uint32_t kUnseen = UINT32_MAX;

  // Made once per name; copies and fills get theirs from the category.
  uint32_t label_of(uint32_t row) {
    const StringId name = trace_.slices.name[row];
    uint32_t& label = of_name_[name];
    if (label != kUnseen) return label;
    const std::string_view text = trace_.strings.view(name);
    const bool by_group = options_.group == "all";
    std::string shown(text);
    if (!options_.group.empty()) {
      const std::string_view group = kernel_group(classes_[trace_.slices.category[row]], text);
      const bool wanted =
          by_group || (exact_group_ ? group == options_.group : in_group(group, options_.group));
      if (!wanted) return label = kLeftOut;
      if (by_group) shown = group;
    }
    if (!by_group && options_.short_names) shown = short_name(text);
    if (shown.empty()) shown = "(no name)";
    const auto [it, added] = index_.try_emplace(shown, static_cast<uint32_t>(groups_.size()));
    if (added) groups_.push_back({shown, {}, {}});
    return label = it->second;
  }

  const Trace& trace_;
  const ReportOptions& options_;
  const bool exact_group_;
  const std::vector<CategoryClass> classes_;
  std::vector<uint32_t> of_name_;
  std::map<std::string, uint32_t> index_;
  std::vector<Group> groups_;
  uint64_t nested_ = 0;
};

// `exact_group`: "other" is what no rule knows, without "other (moe)".
std::vector<Table> top_tables(const Trace& trace, const ReportOptions& options, bool exact_group) {
  const RowFilter filter(trace, options);
  const SliceColumns& s = trace.slices;
  const bool by_group = options.group == "all";
  const bool gpu = options.gpu_only || !options.group.empty();
  const StringId category = options.category.empty() ? 0 : trace.strings.find(options.category);
  if (!options.category.empty() && category == 0) {
    throw Error::format("{}: no category {}", trace.path, in_quotes(options.category));
  }

  std::vector<Line> lines;
  uint64_t nested = 0;
  const bool whole_trace = !filter.active() && !gpu && category == 0 && !options.short_names;
  if (whole_trace) {
    for (const NameStats& n : trace.stats) {
      lines.emplace_back(std::string(trace.strings.view(n.name)), n);
    }
  } else {
    Labelled labelled(trace, options, exact_group);
    for (const uint32_t row : gpu ? s.gpu_rows : s.by_time) {
      const bool wanted = category == 0 || s.category[row] == category;
      if (wanted && s.dur[row] != kOpen && filter(row)) labelled.add(row);
    }
    lines = labelled.lines();
    nested = labelled.nested();
  }
  const auto key = [&](const NameStats& n) { return options.self ? n.self : n.total; };
  std::sort(lines.begin(), lines.end(), [&](const auto& a, const auto& b) {
    return key(a.second) != key(b.second) ? key(a.second) > key(b.second) : a.first < b.first;
  });
  double whole = 0;
  for (const auto& line : lines) whole += static_cast<double>(key(line.second));
  Table table;
  table.title = fmt::format("{} by {} time ({} rows)",
                            by_group              ? "kernel groups"
                            : options.short_names ? "short names"
                                                  : "names",
                            options.self ? "self" : "total", lines.size());
  table.header = columns(options.self);
  for (const auto& [label, stats] : lines) {
    if (options.limit != 0 && table.rows.size() == options.limit) break;
    table.rows.push_back(row_cells(label, stats, whole, options.self));
  }
  table.notes.push_back(
      fmt::format("percent: of {:.3f} ms, the sum over all rows; slices inside slices count twice "
                  "in totals, not in self times",
                  whole / 1e6));
  if (nested > 0) {
    table.notes.push_back(fmt::format(
        "{} slices inside another one of the same short name are part of it, not rows of their own",
        nested));
  }
  std::vector<Table> tables = {std::move(table)};
  if (by_group) {
    ReportOptions rest = options;
    rest.group = "other";
    rest.limit = 10;
    Table other = top_tables(trace, rest, true)[0];
    other.title = "what no rule of the group table knows (\"other\")";
    other.notes.clear();
    if (!other.rows.empty()) tables.push_back(std::move(other));
  }
  return tables;
}

}  // namespace

std::vector<Table> report_top(const Trace& trace, const ReportOptions& options) {
  return top_tables(trace, options, false);
}

std::vector<Table> report_small(const Trace& trace, const ReportOptions& options) {
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
  Table table;
  table.title = fmt::format("names with more than {} slices shorter than {} us",
                            options.small_calls, us(options.small_ns));
  table.header = {"count", "total_ms", "mean_us", "percent_of_calls", "name"};
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
