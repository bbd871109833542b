// The self-contained page: static tables and plots, and compressed samples that its script unpacks.
#include <fmt/format.h>
#include <zlib.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "embedded/web.h"
#include "report/comparison.h"
#include "report/comparison_tables.h"
#include "report/svg_plot.h"

namespace molgen3d {

namespace {

using Json = nlohmann::json;

std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

std::string deflated(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string out(size, '\0');
  const int code = compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                             reinterpret_cast<const Bytef*>(text.data()), text.size(), 6);
  if (code != Z_OK) throw Error::format("report: zlib failed with code {}", code);
  out.resize(size);
  return out;
}

// Texts that repeat (issues, prompts) are sent once.
class Texts {
 public:
  size_t index(const std::string& text) {
    const auto [found, added] = index_.try_emplace(text, index_.size());
    if (added) texts_.push_back(text);
    return found->second;
  }
  const Json& list() const { return texts_; }

 private:
  std::map<std::string, size_t> index_;
  Json texts_ = Json::array();
};

Json rounded(double value) {
  if (!std::isfinite(value)) return {};
  return std::round(value * 1000) / 1000;
}

// One row per sample in the order that page.js names.
std::string payload(const Comparison& comparison) {
  Texts prompts;
  Texts texts;
  Json samples = Json::array();
  Json labels = Json::array();
  Json references = Json::object();
  for (size_t r = 0; r < comparison.runs.size(); ++r) {
    labels.push_back(comparison.runs[r].label);
    for (const SampleRecord& s : comparison.runs[r].run->samples) {
      Json issues = Json::array();
      for (const std::string& issue : s.issues) issues.push_back(texts.index(issue));
      Json off = Json::array();
      for (const auto& bond : s.off_bonds)
        off.push_back({bond.first, bond.second, rounded(bond.length), rounded(bond.expected)});
      const int verdict = !s.passed() ? 0 : s.strict ? 3 : s.text_kept ? 2 : 1;
      const bool asked = s.stereo && s.stereo->centres.total() + s.stereo->double_bonds.total() > 0;
      const size_t tag = s.decoded_text.find("[/SMILES]");
      samples.push_back(
          {r, prompts.index(s.prompt_smiles), s.generation, verdict, std::move(issues),
           s.passed() && !s.strict_cause.empty()
               ? static_cast<int64_t>(texts.index(s.strict_cause.substr(0, 160)))
               : int64_t{-1},
           std::max(s.junk_letters, s.junk_non_numeric), s.tokens(),
           s.bonds_checked ? rounded(s.bond_error) : Json(), std::move(off),
           !asked                    ? 0
           : s.stereo->all_matched() ? 1
                                     : 2,
           tag == std::string::npos ? s.decoded_text : s.decoded_text.substr(tag + 9)});
    }
    for (const auto& [smiles, points] : comparison.runs[r].run->references) {
      Json& list = references[smiles];
      if (!list.is_null()) continue;
      for (const Point3& p : points) list.push_back({rounded(p.x), rounded(p.y), rounded(p.z)});
    }
  }
  const Json data = {{"runs", labels},
                     {"prompts", prompts.list()},
                     {"texts", texts.list()},
                     {"samples", samples},
                     {"references", references}};
  return base64(deflated(data.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

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

constexpr const char* kSamples = R"(<section id="samples-section"><h2 id="s-samples">Samples</h2>
<div class="controls"><label>run <select id="run"><option value="">all</option></select></label>
<label>show <select id="kind"><option value="">all</option><option value="fail">failing</option>
<option value="pass">passing</option><option value="notstrict">not strict</option><option value="junk">with junk</option>
<option value="off">with bonds off</option><option value="stereo">wrong stereo</option></select></label>
<label>search <input id="search" type="search" placeholder="SMILES, issue or text"></label>
<button id="previous">previous</button><button id="next">next</button><span id="count">unpacking ...</span></div>
<div class="panes"><div class="scroll"><table id="samples"><thead></thead><tbody></tbody></table></div>
<div class="side"><canvas id="viewer" aria-label="3D structure of the selected sample"></canvas>
<p class="key"><i style="background:#d1007a"></i>bond off by more than 0.25 &Aring; <i style="background:#e67700"></i>atom with a junk block <i style="background:#b8bec6"></i>reference</p>
<div class="controls"><label>colour <select id="colour"><option value="check">by check</option><option value="element">by element</option></select></label>
<button id="reset">reset view</button><span class="note">drag: turn; wheel: zoom; arrow keys: next row</span></div>
<dl id="about"></dl><pre id="answer"></pre></div></div>
<noscript>The samples need JavaScript; tables and plots do not.</noscript></section>
)";

}  // namespace

std::string comparison_html(const Comparison& comparison, const std::string& title) {
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
  out += kSamples;
  out += fmt::format(
      "<script type=\"application/octet-stream\" id=\"data\">{}</script>\n<script>\n{}</script>\n"
      "<script>\n{}</script>\n</main></body></html>\n",
      payload(comparison), web::kViewerJs, web::kPageJs);
  return out;
}

}  // namespace molgen3d
