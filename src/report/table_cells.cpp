#include "report/table_cells.h"

#include <fmt/format.h>

#include <set>

namespace molgen3d {

std::string percent(size_t part, size_t whole, int decimals) {
  return whole == 0 ? kNoFigure
                    : fmt::format("{:.{}f} %",
                                  100.0 * static_cast<double>(part) / static_cast<double>(whole),
                                  decimals);
}

std::string count_and_share(size_t part, size_t whole) {
  return whole == 0 ? kNoFigure : fmt::format("{} ({})", part, percent(part, whole));
}

std::string quotient(double a, double b, int decimals) {
  return b > 0 ? fmt::format("{:.{}f}", a / b, decimals) : kNoFigure;
}

std::vector<std::string> run_header(const Comparison& comparison, const std::string& first) {
  return run_cells(comparison, first, [](const RunSummary& run) { return run.label; });
}

void add_histogram_rows(Table& table, const std::vector<const Histogram*>& histograms,
                        const char* format_value) {
  std::set<int> values;
  for (const Histogram* histogram : histograms) {
    const double total = static_cast<double>(histogram->total());
    for (const auto& [value, times] : histogram->counts) {
      if (static_cast<double>(times) >= 0.005 * total) values.insert(value);
    }
  }
  if (values.empty()) return;
  const int low = *values.begin();
  const int high = *values.rbegin();
  const auto row = [&](const std::string& name, auto&& counts) {
    std::vector<std::string> cells = {name};
    bool any = false;
    for (const Histogram* histogram : histograms) {
      size_t sum = 0;
      for (const auto& [value, times] : histogram->counts) sum += counts(value) ? times : 0;
      any |= sum > 0;
      cells.push_back(percent(sum, histogram->total(), 2));
    }
    if (any) table.rows.push_back(std::move(cells));
  };
  const auto named = [&](int value) { return fmt::format(fmt::runtime(format_value), value); };
  row("below " + named(low), [&](int v) { return v < low; });
  for (int value = low; value <= high; ++value)
    row(named(value), [&](int v) { return v == value; });
  row("above " + named(high), [&](int v) { return v > high; });
}

Table transposed(const Table& table) {
  Table out{.title = table.title, .header = {"run"}, .note = table.note};
  for (const auto& row : table.rows) out.header.push_back(row[0]);
  for (size_t c = 1; c < table.header.size(); ++c) {
    out.rows.push_back({table.header[c]});
    for (const auto& row : table.rows) out.rows.back().push_back(row[c]);
  }
  return out;
}

}  // namespace molgen3d
