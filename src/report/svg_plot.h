// Plots as inline SVG: no script, readable in print. Colours are told apart by every eye (Okabe and
// Ito, 2008).
#pragma once

#include <string>
#include <vector>

#include "report/histogram.h"

namespace molgen3d {

struct PlotRow {
  std::string label;
  std::vector<double> values;  ///< one per series; NaN: not known
};

/// Horizontal bars, one group per row, one bar per series; `unit` follows each value.
std::string bar_plot(const std::string& title, const std::vector<std::string>& series,
                     const std::vector<PlotRow>& rows, const std::string& unit, double maximum);
/// One stacked bar per row.
std::string stacked_plot(const std::string& title, const std::vector<std::string>& series,
                         const std::vector<PlotRow>& rows, const std::string& unit);
/// One small histogram per row on common axes, shares in percent.
struct NamedHistogram {
  std::string label;
  const Histogram* histogram;
};
std::string histogram_plot(const std::string& title, const std::string& x_label,
                           const std::vector<NamedHistogram>& histograms);
/// Lines over equally spaced x: values[i] at first_x + i * step_x.
std::string line_plot(const std::string& title, const std::string& x_label,
                      const std::string& y_label, const std::vector<PlotRow>& rows, double first_x,
                      double step_x);

}  // namespace molgen3d
