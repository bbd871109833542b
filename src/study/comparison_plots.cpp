// The plots of a comparison's page.
#include <cmath>
#include <limits>

#include "report/svg_plot.h"
#include "study/comparison_tables.h"

namespace molgen3d {

namespace {

double share(size_t part, size_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::string outcome_plots(const Comparison& comparison) {
  std::vector<PlotRow> pass;
  std::vector<PlotRow> junk;
  for (const RunSummary& run : comparison.runs) {
    pass.push_back({run.label,
                    {share(run.passed, run.samples), share(run.text_kept, run.samples),
                     share(run.strict, run.samples)}});
    junk.push_back({run.label,
                    {share(run.blocks.letters, run.blocks.blocks),
                     share(run.blocks.non_numeric, run.blocks.blocks)}});
  }
  return "<div class=\"plots\">" +
         bar_plot("Samples that pass", {"pass (study)", "text kept", "strict"}, pass, "%", 100) +
         bar_plot("Junk blocks", {"letters", "not numeric"}, junk, "%", 0) + "</div>";
}

std::string time_plots(const Comparison& comparison) {
  std::vector<PlotRow> rows;
  for (const RunSummary& run : comparison.runs) {
    const RunTimes& t = run.run->times;
    const bool known = t.in_parts() + t.other > 0;
    rows.push_back({run.label,
                    {t.template_building, t.prefill, t.decode, t.output, t.sample, t.detokenize,
                     known ? t.other : t.total}});
  }
  return stacked_plot(
      "Time split",
      {"templates", "prefill", "decode", "output matrix", "sample", "detokenize", "other"}, rows,
      "s");
}

std::string coordinate_plots(const Comparison& comparison) {
  std::vector<NamedHistogram> written;
  std::vector<NamedHistogram> isolated;
  std::vector<NamedHistogram> in_context;
  for (const RunSummary& run : comparison.runs) {
    if (!run.run->coordinates) continue;
    written.push_back({run.label, &run.run->coordinates->written});
    isolated.push_back({run.label, &run.run->coordinates->drift_isolated});
    in_context.push_back({run.label, &run.run->coordinates->drift_in_context});
  }
  if (written.empty()) return {};
  return histogram_plot("Tokens per coordinate, as written", "tokens", written) +
         histogram_plot("Drift in context against <0.0000,0.0000,0.0000>", "drift (tokens)",
                        in_context) +
         histogram_plot("Drift of isolated blocks", "drift (tokens)", isolated);
}

std::string mass_plot(const Comparison& comparison) {
  std::vector<PlotRow> rows;
  for (const RunSummary& run : comparison.runs) {
    const auto& removed = run.run->removed;
    if (!removed || removed->samples == 0) continue;
    PlotRow row{run.label, {}};
    for (const MassSum& sum : removed->by_position)
      row.values.push_back(sum.tokens > 0 ? sum.mean() : std::numeric_limits<double>::quiet_NaN());
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return {};
  return line_plot("Probability that the rule takes away, by position",
                   "position in the answer (tokens)", "mean of -ln Z per token (nats)", rows,
                   RemovedMass::kBinTokens / 2.0, RemovedMass::kBinTokens);
}

}  // namespace molgen3d
