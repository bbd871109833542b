#include "report/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/shown_text.h"

namespace molgen3d {

namespace {

constexpr std::array<const char*, 8> kColours = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                                 "#56b4e9", "#d55e00", "#7a7a7a", "#b8a800"};
constexpr std::array<const char*, 4> kDashes = {"", "6 3", "2 3", "8 3 2 3"};
constexpr double kCharacter = 6.6;  // width of 12 px text, about

const char* colour(size_t i) {
  return kColours[i % kColours.size()];
}

std::string text(double x, double y, const std::string& content, const char* anchor = "start",
                 int size = 12, const char* extra = "") {
  return fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" text-anchor=\"{}\"{}>{}</text>", x, y, size,
      anchor, extra, html_escaped(content));
}

std::string rectangle(double x, double y, double width, double height, const char* fill,
                      const std::string& tip) {
  return fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "fill=\"{}\"><title>{}</title></rect>",
      x, y, std::max(0.0, width), height, fill, html_escaped(tip));
}

std::string rule(double x1, double y1, double x2, double y2, const char* stroke = "#d8dee6") {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>", x1, y1, x2,
      y2, stroke);
}

double width_of(const std::vector<PlotRow>& rows) {
  size_t longest = 4;
  for (const PlotRow& row : rows) longest = std::max(longest, row.label.size());
  return kCharacter * static_cast<double>(longest) + 10;
}

// A round number of at least `value`, and a step that cuts it into four or five.
double round_up(double value, double& step) {
  if (!(value > 0)) value = 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0}) {
    if (value > factor * power * (1 + 1e-9)) continue;
    step = factor * power / (factor == 1.5 || factor == 3.0 || factor == 6.0 ? 3 : 4);
    if (factor == 2.5 || factor == 5.0 || factor == 10.0) step = factor * power / 5;
    return factor * power;
  }
  step = 2.5 * power;
  return 10 * power;
}

std::string number(double value) {
  const std::string out = fmt::format("{:.4g}", value);
  return out == "-0" ? "0" : out;
}

// Entries in rows of at most `width`; `height` receives what they take.
std::string legend(double x, double y, double width, const std::vector<std::string>& names,
                   bool lines, double& height) {
  std::string out;
  double at = x;
  double line = y;
  for (size_t i = 0; i < names.size(); ++i) {
    const double own = 30 + kCharacter * static_cast<double>(names[i].size()) + 14;
    if (at > x && at + own > x + width) {
      at = x;
      line += 18;
    }
    if (lines) {
      out += fmt::format(
          "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
          "stroke-width=\"2\" "
          "stroke-dasharray=\"{}\"/>",
          at, line - 4, at + 24, line - 4, colour(i),
          kDashes[i / kColours.size() % kDashes.size()]);
    } else {
      out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"12\" fill=\"{}\"/>",
                         at + 8, line - 10, colour(i));
    }
    out += text(at + 28, line, names[i]);
    at += own;
  }
  height = line - y + 18;
  return out;
}

std::string framed(const std::string& title, double width, double height, const std::string& body) {
  return fmt::format(
      "<figure class=\"plot\"><figcaption>{0}</figcaption><svg viewBox=\"0 0 {1:.0f} {2:.0f}\" "
      "width=\"{1:.0f}\" height=\"{2:.0f}\" role=\"img\" aria-label=\"{0}\">{3}</svg></figure>\n",
      html_escaped(title), width, height, body);
}

// Vertical grid with numbers below, for horizontal bars.
std::string bar_axis(double left, double top, double bottom, double width, double maximum,
                     double step, const std::string& unit) {
  std::string out;
  for (double tick = 0; tick <= maximum * (1 + 1e-9); tick += step) {
    const double x = left + width * tick / maximum;
    out += rule(x, top, x, bottom);
    out += text(x, bottom + 16, number(tick), "middle", 11);
  }
  return out + text(left + width + 14, bottom + 16, unit, "start", 11);
}

}  // namespace

std::string bar_plot(const std::string& title, const std::vector<std::string>& series,
                     const std::vector<PlotRow>& rows, const std::string& unit, double maximum) {
  const double left = width_of(rows);
  const double width = 340;
  const double bar = 12;
  double legend_height = 0;
  std::string body = legend(left - 8, 14, width + 60, series, false, legend_height);
  const double top = legend_height + 6;
  const double group = bar * static_cast<double>(series.size()) + 9;
  const double bottom = top + group * static_cast<double>(rows.size());
  double step = 20;
  if (maximum <= 0) {
    for (const PlotRow& row : rows) {
      for (const double value : row.values)
        maximum = std::max(maximum, std::isfinite(value) ? value : 0);
    }
    maximum = round_up(maximum, step);
  }
  body += bar_axis(left, top, bottom, width, maximum, step, unit);
  for (size_t r = 0; r < rows.size(); ++r) {
    const double y = top + group * static_cast<double>(r) + 4;
    body += text(left - 6, y + (group - 9) / 2 + 4, rows[r].label, "end");
    for (size_t s = 0; s < rows[r].values.size(); ++s) {
      const double value = rows[r].values[s];
      const double at = y + bar * static_cast<double>(s);
      if (!std::isfinite(value)) {
        body += text(left + 4, at + bar - 1, "not known", "start", 10);
        continue;
      }
      const double length = width * value / maximum;
      body +=
          rectangle(left, at, length, bar - 1, colour(s),
                    fmt::format("{}, {}: {} {}", rows[r].label, series[s], number(value), unit));
      body += text(left + length + 4, at + bar - 2, fmt::format("{:.3g}", value), "start", 10);
    }
  }
  return framed(title, left + width + 60, bottom + 26, body);
}

std::string stacked_plot(const std::string& title, const std::vector<std::string>& series,
                         const std::vector<PlotRow>& rows, const std::string& unit) {
  const double left = width_of(rows);
  const double width = 380;
  double legend_height = 0;
  std::string body = legend(left - 8, 14, width + 40, series, false, legend_height);
  const double top = legend_height + 6;
  double maximum = 0;
  for (const PlotRow& row : rows) {
    double sum = 0;
    for (const double value : row.values) sum += value;
    maximum = std::max(maximum, sum);
  }
  double step = 0;
  maximum = round_up(maximum, step);
  const double bottom = top + 24 * static_cast<double>(rows.size());
  body += bar_axis(left, top, bottom, width, maximum, step, unit);
  for (size_t r = 0; r < rows.size(); ++r) {
    const double y = top + 24 * static_cast<double>(r) + 4;
    body += text(left - 6, y + 12, rows[r].label, "end");
    double x = left;
    double sum = 0;
    for (size_t s = 0; s < rows[r].values.size(); ++s) {
      const double length = width * rows[r].values[s] / maximum;
      body += rectangle(
          x, y, length, 16, colour(s),
          fmt::format("{}, {}: {} {}", rows[r].label, series[s], number(rows[r].values[s]), unit));
      x += length;
      sum += rows[r].values[s];
    }
    body += text(x + 4, y + 12, fmt::format("{:.3g}", sum), "start", 10);
  }
  return framed(title, left + width + 60, bottom + 26, body);
}

std::string histogram_plot(const std::string& title, const std::string& x_label,
                           const std::vector<NamedHistogram>& histograms) {
  // Common axes over all values that matter: damaged answers have blocks of hundreds of tokens.
  int low = 0;
  int high = 0;
  bool any = false;
  double most = 0;
  for (const NamedHistogram& entry : histograms) {
    if (entry.histogram->counts.empty()) continue;
    const int first = entry.histogram->quantile(0.005);
    const int last = entry.histogram->quantile(0.995);
    low = any ? std::min(low, first) : first;
    high = any ? std::max(high, last) : last;
    any = true;
    const auto total = static_cast<double>(entry.histogram->total());
    for (const auto& bin : entry.histogram->counts)
      most = std::max(most, 100 * static_cast<double>(bin.second) / total);
  }
  if (!any) return {};
  high = std::min(high, low + 60);
  double step = 0;
  const double maximum = round_up(most, step);
  size_t longest = 0;
  for (const NamedHistogram& entry : histograms) longest = std::max(longest, entry.label.size());
  const double width = std::max(190.0, 1.1 * kCharacter * static_cast<double>(longest) - 30);
  const double height = 90;
  const size_t columns = std::min<size_t>(3, histograms.size());
  const double cell_width = width + 56;
  const double cell_height = height + 62;
  std::string body;
  const double bin = width / (high - low + 1);
  for (size_t i = 0; i < histograms.size(); ++i) {
    const double x0 = 34 + cell_width * static_cast<double>(i % columns);
    const double y0 = 22 + cell_height * static_cast<double>(i / columns);
    const Histogram& histogram = *histograms[i].histogram;
    body += text(x0, y0 - 8, histograms[i].label, "start", 12, " font-weight=\"600\"");
    for (double tick = 0; tick <= maximum * (1 + 1e-9); tick += 2 * step) {
      const double y = y0 + height * (1 - tick / maximum);
      body += rule(x0, y, x0 + width, y);
      body += text(x0 - 4, y + 4, number(tick), "end", 10);
    }
    const auto total = static_cast<double>(histogram.total());
    for (const auto& [value, count] : histogram.counts) {
      if (value < low || value > high) continue;
      const double share = 100 * static_cast<double>(count) / total;
      const double length = height * share / maximum;
      body += rectangle(x0 + bin * (value - low) + 0.5, y0 + height - length, bin - 1, length,
                        colour(0), fmt::format("{}: {:.2f} %", value, share));
    }
    body += rule(x0, y0 + height, x0 + width, y0 + height, "#5a6573");
    const int every = std::max(1, (high - low + 1) / 8);
    for (int value = low; value <= high; ++value) {
      const bool aligned = low < 0 ? value % every == 0 : (value - low) % every == 0;
      if (aligned)
        body += text(x0 + bin * (value - low + 0.5), y0 + height + 13, fmt::format("{}", value),
                     "middle", 10);
    }
    body += text(x0 + width / 2, y0 + height + 27, x_label, "middle", 10);
    if (histogram.counts.empty())
      body += text(x0 + width / 2, y0 + height / 2, "not recorded", "middle", 11);
  }
  const auto lines = static_cast<double>((histograms.size() + columns - 1) / columns);
  return framed(title + " (% of coordinates)", 34 + cell_width * static_cast<double>(columns),
                cell_height * lines + 4, body);
}

std::string line_plot(const std::string& title, const std::string& x_label,
                      const std::string& y_label, const std::vector<PlotRow>& rows, double first_x,
                      double step_x) {
  size_t points = 0;
  double most = 0;
  std::vector<std::string> names;
  for (const PlotRow& row : rows) {
    names.push_back(row.label);
    points = std::max(points, row.values.size());
    for (const double value : row.values) most = std::max(most, std::isfinite(value) ? value : 0);
  }
  if (points < 2) return {};
  const double left = 56;
  const double width = 620;
  const double height = 240;
  double legend_height = 0;
  std::string body = legend(left, 14, width, names, true, legend_height);
  const double top = legend_height + 10;
  double step = 0;
  const double maximum = round_up(most, step);
  for (double tick = 0; tick <= maximum * (1 + 1e-9); tick += step) {
    const double y = top + height * (1 - tick / maximum);
    body += rule(left, y, left + width, y);
    body += text(left - 6, y + 4, number(tick), "end", 11);
  }
  const double gap = width / static_cast<double>(points - 1);
  const size_t every = std::max<size_t>(1, (points + 9) / 10);
  for (size_t i = 0; i < points; i += every) {
    body += text(left + gap * static_cast<double>(i), top + height + 16,
                 number(first_x + step_x * static_cast<double>(i)), "middle", 11);
  }
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string path;
    bool down = false;
    for (size_t i = 0; i < rows[r].values.size(); ++i) {
      const double value = rows[r].values[i];
      if (!std::isfinite(value)) {
        down = false;
        continue;
      }
      path += fmt::format("{}{:.1f} {:.1f}", down ? "L" : "M", left + gap * static_cast<double>(i),
                          top + height * (1 - value / maximum));
      down = true;
    }
    body += fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\" "
        "stroke-dasharray=\"{}\"><title>{}</title></path>",
        path, colour(r), kDashes[r / kColours.size() % kDashes.size()],
        html_escaped(rows[r].label));
  }
  body += text(left + width / 2, top + height + 34, x_label, "middle");
  body += fmt::format(
      "<text transform=\"translate(13 {:.1f}) rotate(-90)\" font-size=\"12\" "
      "text-anchor=\"middle\">{}</text>",
      top + height / 2, html_escaped(y_label));
  return framed(title, left + width + 20, top + height + 42, body);
}

}  // namespace molgen3d
