// The self-contained page: static tables and plots, then the samples (samples_section.cpp).
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "embedded/web.h"
#include "report/comparison.h"
#include "report/comparison_tables.h"
#include "report/samples_section.h"
#include "report/svg_plot.h"

namespace molgen3d {

namespace {

double share(size_t part, size_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

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

}  // namespace

std::string comparison_html(const Comparison& comparison, const std::string& title,
                            const ViewerLibrary& viewer) {
  // No source but the page itself is allowed: the page stays whole offline, and nothing that a
  // model wrote can load anything.
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
      "'unsafe-inline'; style-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>{0}</title>\n"
      "<link rel=\"icon\" "
      "href=\"data:,\">\n<style>\n{1}</style></head>\n<body><main><h1>{0}</h1>\n",
      html_escaped(title), web::kPageCss);
  size_t samples = 0;
  for (const RunSummary& run : comparison.runs) samples += run.samples;
  out += fmt::format(
      "<p class=\"lead\">{} runs, {} samples. Times are seconds unless said otherwise.</p>\n"
      "<nav><a href=\"#s-outcome\">Outcome</a><a href=\"#s-time\">Tokens and time</a>"
      "<a href=\"#s-coordinates\">Coordinates</a><a href=\"#s-failures\">Failures</a>"
      "<a href=\"#s-mass\">Removed probability</a><a href=\"#s-settings\">Settings</a>"
      "<a href=\"#s-samples\">Samples</a></nav>\n",
      comparison.runs.size(), samples);
  const auto section = [&](const char* id, const char* name) {
    out += fmt::format("<h2 id=\"{}\">{}</h2>\n", id, name);
  };
  const auto table = [&](const Table& t) {
    if (!t.rows.empty()) out += table_html(t);
  };
  section("s-outcome", "Outcome");
  table(outcome_table(comparison));
  out += outcome_plots(comparison);
  table(geometry_table(comparison));
  section("s-time", "Tokens and time");
  table(token_table(comparison));
  table(time_table(comparison));
  out += time_plots(comparison);
  section("s-coordinates", "Coordinates");
  table(junk_table(comparison));
  table(decimals_table(comparison));
  out += coordinate_plots(comparison);
  table(coordinate_table(comparison));
  table(drift_table(comparison));
  section("s-failures", "Failures");
  table(failure_table(comparison));
  table(descriptor_table(comparison));
  const std::string mass = mass_plot(comparison);
  section("s-mass", "Removed probability");
  if (mass.empty()) {
    out += "<p class=\"note\">Not measured in these runs (smoke --audit, study --audit-size).</p>";
  } else {
    out += mass;
    table(mass_role_table(comparison));
  }
  section("s-settings", "Settings");
  table(settings_table(comparison));
  out += samples_section(comparison, viewer);
  out += "</main></body></html>\n";
  return out;
}

}  // namespace molgen3d
