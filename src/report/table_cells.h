// What the tables of a comparison are built from: cells, and rows with one cell a run. Private to
// the room.
#pragma once

#include <string>
#include <vector>

#include "analysis/histogram.h"
#include "report/comparison.h"

namespace molgen3d {

/// Stands where there is no figure.
inline const std::string kNoFigure = "-";

/// "92.2 %".
std::string percent(size_t part, size_t whole, int decimals = 1);
/// "12 (4.7 %)".
std::string count_and_share(size_t part, size_t whole);
/// a / b; kNoFigure for b <= 0.
std::string quotient(double a, double b, int decimals = 2);

/// `first`, then the runs' names.
std::vector<std::string> run_header(const Comparison& comparison, const std::string& first);

/// `first`, then cell(run) for each run.
template <typename Cell>
std::vector<std::string> run_cells(const Comparison& comparison, std::string first, Cell&& cell) {
  std::vector<std::string> row = {std::move(first)};
  for (const RunSummary& run : comparison.runs) row.push_back(cell(run));
  return row;
}

/// Rows for the values between the tails of half a percent, one column a histogram; the tails are
/// summed, for damaged answers give blocks of hundreds of tokens. `format_value` as in fmt.
void add_histogram_rows(Table& table, const std::vector<const Histogram*>& histograms,
                        const char* format_value);

/// Runs as rows: there may be a dozen of them, and their names are long.
Table transposed(const Table& table);

}  // namespace molgen3d
