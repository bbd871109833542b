#include "study/table_cells.h"

#include <fmt/format.h>

#include <set>

namespace molgen3d {

Cell percent(size_t part, size_t whole, int decimals) {
  if (whole == 0) return {};
  const double value = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  return Number{.value = value, .decimals = decimals, .unit = "%"};
}

Cell count_and_share(size_t part, size_t whole) {
  if (whole == 0) return {};
  Cell out = part;
  out.beside = Share{100.0 * static_cast<double>(part) / static_cast<double>(whole)};
  return out;
}

Cell quotient(double a, double b, int decimals) {
  if (!(b > 0)) return {};
  return Number{.value = a / b, .decimals = decimals};
}

std::vector<std::string> run_header(const Comparison& comparison, const std::string& first) {
  std::vector<std::string> header = {first};
  for (const RunSummary& run : comparison.runs) header.push_back(run.label);
  return header;
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
    std::vector<Cell> cells = {name};
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

}  // namespace molgen3d
