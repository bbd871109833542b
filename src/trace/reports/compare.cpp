#include "trace/reports/compare.h"

#include <fmt/format.h>

#include <array>
#include <map>

#include "base/error.h"
#include "base/plain_text.h"
#include "trace/reports/report_parts.h"

namespace molgen3d::trace {
namespace {

struct Total {
  int64_t count = 0;
  int64_t ns = 0;
  void add(int64_t dur) {
    ++count;
    ns += dur;
  }
};

// Everything the comparison needs of one trace.
struct Side {
  int64_t span = 0;
  int64_t gpu_busy = 0;
  int64_t tokens = 0;
  int64_t steps = 0;
  Total launches, elementwise, small;
  std::map<std::string, Total> groups;
  std::map<std::string, Total> phases;  ///< annotations, without the annotations inside them
  std::map<std::string, Total> names;
};

Side summarize(const Trace& t) {
  Side side;
  const SliceColumns& s = t.slices;
  const std::vector<CategoryClass> classes = category_classes(t);
  const RowFilter all(t, {});
  side.span = all.span();
  side.gpu_busy = gpu_times(t, classes, kNoRow, all).length();
  side.tokens = token_count(t);
  const std::string pattern = step_pattern(t);
  const size_t strings = t.strings.size();
  std::vector<bool> is_step(strings), is_launch(strings), is_elementwise(strings);
  std::vector<uint32_t> label(strings);  // of the short name
  std::map<std::string, uint32_t> labels;
  std::vector<std::string_view> group(strings);
  for (StringId id = 0; id < strings; ++id) {
    const std::string_view name = t.strings.view(id);
    const std::string shown = id == 0 ? "(no name)" : short_name(name);
    label[id] = labels.try_emplace(shown, static_cast<uint32_t>(labels.size())).first->second;
    if (id == 0) continue;
    is_step[id] = !pattern.empty() && glob_match(pattern, name);
    is_launch[id] = name.find("Launch") != std::string_view::npos;
    is_elementwise[id] = name.find("elementwise") != std::string_view::npos;
  }
  std::vector<Total> by_label(labels.size());
  std::vector<Total> phases(strings);
  for (uint32_t row = 0; row < s.size(); ++row) {
    if (s.dur[row] == kOpen || s.kind[row] == SliceKind::kInstant) continue;
    const StringId name = s.name[row];
    const CategoryClass c = classes[s.category[row]];
    if (!inside_its_like(t, row, [&](StringId other) { return label[other] == label[name]; })) {
      by_label[label[name]].add(s.dur[row]);
    }
    side.steps += is_step[name];
    if (s.dur[row] < 10000) side.small.add(s.dur[row]);
    if (c == CategoryClass::kRuntime && is_launch[name]) side.launches.add(s.dur[row]);
    if (c != CategoryClass::kAnnotation) continue;
    phases[name].add(s.dur[row]);
    const uint32_t parent = s.parent[row];
    if (parent != kNoRow && classes[s.category[parent]] == CategoryClass::kAnnotation &&
        s.dur[parent] != kOpen) {
      phases[s.name[parent]].ns -= s.dur[row];
    }
  }
  for (const uint32_t row : s.gpu_rows) {
    const StringId name = s.name[row];
    if (group[name].empty()) {
      group[name] = kernel_group(classes[s.category[row]], t.strings.view(name));
    }
    side.groups[std::string(group[name])].add(s.dur[row]);
    if (is_elementwise[name]) side.elementwise.add(s.dur[row]);
  }
  for (StringId id = 0; id < strings; ++id) {
    if (phases[id].count > 0) side.phases[std::string(t.strings.view(id))] = phases[id];
  }
  for (const auto& [shown, number] : labels) {
    if (by_label[number].count > 0) side.names[shown] = by_label[number];
  }
  return side;
}

struct Unit {
  std::string name;  // "token", "step" or ""
  double a = 1;
  double b = 1;
};

Unit choose_unit(const Side& a, const Side& b, const CompareOptions& options) {
  using Per = CompareOptions::Per;
  const bool tokens = a.tokens > 0 && b.tokens > 0;
  const bool steps = a.steps > 0 && b.steps > 0;
  if (options.per == Per::kToken && !tokens) {
    throw Error("trace compare: not both traces say how many tokens they made");
  }
  if (options.per == Per::kStep && !steps) {
    throw Error("trace compare: not both traces have steps (decode step, ProfilerStep#)");
  }
  if (tokens && (options.per == Per::kAuto || options.per == Per::kToken)) {
    return {"token", static_cast<double>(a.tokens), static_cast<double>(b.tokens)};
  }
  if (steps && (options.per == Per::kAuto || options.per == Per::kStep)) {
    return {"step", static_cast<double>(a.steps), static_cast<double>(b.steps)};
  }
  return {};
}

// "forward +10.6, output +7.5, load -20.0": the largest differences per unit, in us.
std::string largest_differences(const std::map<std::string, Total>& a,
                                const std::map<std::string, Total>& b, const Unit& unit) {
  constexpr size_t kShown = 5;
  std::map<std::string, double> by_name;
  for (const auto& [name, total] : a) by_name[name] -= us(total.ns) / unit.a;
  for (const auto& [name, total] : b) by_name[name] += us(total.ns) / unit.b;
  std::vector<std::pair<std::string, double>> order(by_name.begin(), by_name.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& x, const auto& y) {
    return std::abs(x.second) > std::abs(y.second);
  });
  std::string out;
  for (size_t i = 0; i < std::min(kShown, order.size()); ++i) {
    out += fmt::format("{}{} {:+.3f}", i == 0 ? "" : ", ", order[i].first, order[i].second);
  }
  return out;
}

// Why B takes longer or shorter per unit, in one line for the host and one for the device.
void explain(const Side& a, const Side& b, const Unit& unit, Table& table) {
  const double per_a = us(a.span) / unit.a;
  const double per_b = us(b.span) / unit.b;
  table.notes.push_back(fmt::format("B takes {:.3f} us a {} {} than A ({:.3f} against {:.3f})",
                                    std::abs(per_b - per_a), unit.name,
                                    per_b < per_a ? "less" : "more", per_b, per_a));
  if (!a.phases.empty() || !b.phases.empty()) {
    table.notes.push_back("by phase: " + largest_differences(a.phases, b.phases, unit));
  }
  if (!a.groups.empty() || !b.groups.empty()) {
    table.notes.push_back("device work: " + largest_differences(a.groups, b.groups, unit));
  }
}

Cell ratio(double a, double b) {
  return a > 0 ? Cell(b / a) : Cell();
}

/// The phases of both sides by name, longest first: the most that are shown.
std::vector<std::pair<std::string, std::pair<Total, Total>>> longest_phases(const Side& a,
                                                                            const Side& b) {
  std::map<std::string, std::pair<Total, Total>> phases;
  for (const auto& [name, total] : a.phases) phases[name].first = total;
  for (const auto& [name, total] : b.phases) phases[name].second = total;
  std::vector<std::pair<std::string, std::pair<Total, Total>>> longest(phases.begin(),
                                                                       phases.end());
  std::sort(longest.begin(), longest.end(), [](const auto& x, const auto& y) {
    return std::max(x.second.first.ns, x.second.second.ns) >
           std::max(y.second.first.ns, y.second.second.ns);
  });
  constexpr size_t kPhasesShown = 12;
  if (longest.size() > kPhasesShown) longest.resize(kPhasesShown);
  return longest;
}

/// The questions that a comparison of runs is opened for, in the order of asking.
Table question_table(const Trace& trace_a, const Trace& trace_b, const Side& a, const Side& b,
                     const Unit& unit) {
  const bool normal = !unit.name.empty();
  Table questions;
  questions.title =
      fmt::format("A = {}\nB = {}", on_one_line(trace_a.path), on_one_line(trace_b.path));
  questions.header = {"question", "a_count", "b_count", "a_ms", "b_ms"};
  if (normal) {
    questions.header.push_back("a_us_per_" + unit.name);
    questions.header.push_back("b_us_per_" + unit.name);
  }
  questions.header.emplace_back("b_over_a");
  const auto ask = [&](const std::string& what, const Total& x, const Total& y) {
    if (x.ns == 0 && y.ns == 0 && x.count + y.count == 0) return;  // neither has any
    std::vector<Cell> row = {what, x.count, y.count, ms(x.ns), ms(y.ns)};
    const double per_a = us(x.ns) / unit.a;
    const double per_b = us(y.ns) / unit.b;
    if (normal) row.insert(row.end(), {per_a, per_b});
    row.push_back(ratio(per_a, per_b));
    questions.rows.push_back(std::move(row));
  };
  const auto group = [](const Side& side, const std::string& name) {
    const auto it = side.groups.find(name);
    return it == side.groups.end() ? Total{} : it->second;
  };
  ask("1 span of the trace", {1, a.span}, {1, b.span});
  ask("2 launch calls", a.launches, b.launches);
  ask("3 attention kernels", group(a, "attention"), group(b, "attention"));
  ask("4 copies: memcpy", group(a, "memcpy"), group(b, "memcpy"));
  ask("4 copies: copy kernels", group(a, "copy"), group(b, "copy"));
  ask("4 copies: concat kernels", group(a, "concat"), group(b, "concat"));
  ask("5 elementwise kernels", a.elementwise, b.elementwise);
  ask("6 slices below 10 us", a.small, b.small);
  ask("GPU busy", {0, a.gpu_busy}, {0, b.gpu_busy});
  const auto phases = longest_phases(a, b);
  for (const auto& [name, totals] : phases) ask("phase " + name, totals.first, totals.second);
  if (!phases.empty()) questions.notes.emplace_back("phases: without the phases inside them");
  if (normal) {
    std::string counts = fmt::format("per {}: {:.0f} in A, {:.0f} in B", unit.name, unit.a, unit.b);
    if (unit.name == "token" && a.steps > 0 && b.steps > 0) {
      counts +=
          fmt::format("; {:.2f} and {:.2f} tokens a step", unit.a / static_cast<double>(a.steps),
                      unit.b / static_cast<double>(b.steps));
    }
    questions.notes.push_back(counts);
    explain(a, b, unit, questions);
  } else {
    questions.notes.emplace_back("neither steps nor tokens in both traces: plain totals");
  }
  return questions;
}

struct Line {
  std::string name;
  Total a, b;
  double difference;
};

/// Every name of either side, the largest difference per unit first.
std::vector<Line> lines_of(const Side& a, const Side& b, const Unit& unit) {
  std::vector<Line> lines;
  std::map<std::string, std::pair<Total, Total>> all;
  for (const auto& [name, total] : a.names) all[name].first = total;
  for (const auto& [name, total] : b.names) all[name].second = total;
  for (const auto& [name, t] : all) {
    lines.push_back({name, t.first, t.second, us(t.second.ns) / unit.b - us(t.first.ns) / unit.a});
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& x, const Line& y) {
    return std::abs(x.difference) > std::abs(y.difference);
  });
  return lines;
}

/// Names in both, names in A alone, names in B alone.
std::array<Table, 3> name_tables(const Side& a, const Side& b, const Unit& unit, size_t limit) {
  const bool normal = !unit.name.empty();
  Table join;
  join.title = "names (short form), largest difference first";
  join.header = {"a_count", "b_count", "a_ms", "b_ms", "difference_ms"};
  if (normal) join.header.push_back("difference_us_per_" + unit.name);
  join.header.insert(join.header.end(), {"b_over_a", "name"});
  Table only_a;
  only_a.title = "only in A";
  only_a.header = {"count", "total_ms", "name"};
  Table only_b = only_a;
  only_b.title = "only in B";
  size_t same = 0;
  const auto room = [&](const Table& t) { return limit == 0 || t.rows.size() < limit; };
  for (const Line& line : lines_of(a, b, unit)) {
    same += line.a.count == line.b.count && line.a.ns == line.b.ns;
    if (line.b.count == 0 && room(only_a)) {
      only_a.rows.push_back({line.a.count, ms(line.a.ns), line.name});
    }
    if (line.a.count == 0 && room(only_b)) {
      only_b.rows.push_back({line.b.count, ms(line.b.ns), line.name});
    }
    if (!room(join)) continue;
    std::vector<Cell> row = {line.a.count, line.b.count, ms(line.a.ns), ms(line.b.ns),
                             ms(line.b.ns - line.a.ns)};
    if (normal) row.emplace_back(line.difference);
    row.push_back(ratio(us(line.a.ns) / unit.a, us(line.b.ns) / unit.b));
    row.emplace_back(line.name);
    join.rows.push_back(std::move(row));
  }
  join.notes.push_back(fmt::format("{} names in A, {} in B, {} the same in both", a.names.size(),
                                   b.names.size(), same));
  return {join, only_a, only_b};
}

}  // namespace

std::vector<Table> compare_traces(const Trace& trace_a, const Trace& trace_b,
                                  const CompareOptions& options) {
  const Side a = summarize(trace_a);
  const Side b = summarize(trace_b);
  const Unit unit = choose_unit(a, b, options);
  Table questions = question_table(trace_a, trace_b, a, b, unit);
  // Runs without device work hold nothing but phases: they stand above already.
  const auto only_phases = [](const Side& side) {
    return side.groups.empty() && side.names.size() == side.phases.size();
  };
  if (only_phases(a) && only_phases(b)) return {questions};
  const auto [join, only_a, only_b] = name_tables(a, b, unit, options.limit);
  return {questions, join, only_a, only_b};
}

}  // namespace molgen3d::trace
