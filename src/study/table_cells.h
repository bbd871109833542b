// What the tables of a comparison are built from: figures, and rows with one cell a run. Private to
// the room.
#pragma once

#include <string>
#include <vector>

#include "report/histogram.h"
#include "report/table.h"
#include "study/comparison.h"

namespace molgen3d {

/// "92.2 %"; nothing when there is no whole.
Cell percent(size_t part, size_t whole, int decimals = 1);
/// "12 (4.7 %)"; nothing when there is no whole.
Cell count_and_share(size_t part, size_t whole);
/// a / b; nothing for b <= 0.
Cell quotient(double a, double b, int decimals = 2);

/// `first`, then the runs' names.
std::vector<std::string> run_header(const Comparison& comparison, const std::string& first);

/// `first`, then cell(run) for each run.
template <typename Figure>
std::vector<Cell> run_cells(const Comparison& comparison, const std::string& first,
                            Figure&& figure) {
  std::vector<Cell> row = {first};
  for (const RunSummary& run : comparison.runs) row.push_back(figure(run));
  return row;
}

/// Rows for the values between the tails of half a percent, one column a histogram; the tails are
/// summed, for damaged answers give blocks of hundreds of tokens. `format_value` as in fmt.
void add_histogram_rows(Table& table, const std::vector<const Histogram*>& histograms,
                        const char* format_value);

}  // namespace molgen3d
