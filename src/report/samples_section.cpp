// Samples in the page: compressed data, the table and the viewer that its scripts fill.
#include "report/samples_section.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "embedded/viewer3d.h"
#include "embedded/web.h"
#include "report/table.h"
#include "text/tags.h"

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
      samples.push_back({r, prompts.index(s.prompt_smiles), s.generation, verdict,
                         std::move(issues),
                         s.passed() && !s.strict_cause.empty()
                             ? static_cast<int64_t>(texts.index(s.strict_cause.substr(0, 160)))
                             : int64_t{-1},
                         std::max(s.junk_letters, s.junk_non_numeric), s.tokens(),
                         s.bonds_checked ? rounded(s.bond_error) : Json(), std::move(off),
                         !asked                    ? 0
                         : s.stereo->all_matched() ? 1
                                                   : 2,
                         std::string(after_prompt(s.decoded_text))});
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

constexpr const char* kControls = R"(<section id="samples-section"><h2 id="s-samples">Samples</h2>
<div class="controls"><label>run <select id="run"><option value="">all</option></select></label>
<label>show <select id="kind"><option value="">all</option><option value="fail">failing</option>
<option value="pass">passing</option><option value="notstrict">not strict</option><option value="junk">with junk</option>
<option value="off">with bonds off</option><option value="stereo">wrong stereo</option></select></label>
<label>search <input id="search" type="search" placeholder="SMILES, issue or text"></label>
<button id="previous">previous</button><button id="next">next</button><span id="count">unpacking ...</span></div>
<div class="panes"><div class="scroll"><table id="samples"><thead></thead><tbody></tbody></table></div>
<div class="side"><div id="viewer" role="img" aria-label="3D structure of the selected sample"><div id="stage"></div>
<img id="picture" alt=""><div id="scale" hidden></div><p id="viewer-note">)";

constexpr const char* kBelowNote = R"(</p></div>
<p class="key" id="key" hidden><span id="elements"></span><span><i style="background:#d1007a"></i>bond off by more than 0.25&nbsp;&Aring;</span>
<span><i style="background:#e67700"></i>atom with a junk block</span> <span><i style="background:#b8bec6"></i>reference</span></p>
<div class="controls" id="viewer-controls" hidden><label>colour <select id="colour"><option value="check">by check</option>
<option value="element">by element</option></select></label>
<label>labels <select id="labels"><option value="elements">elements</option><option value="numbers">atom numbers</option>
<option value="none">none</option></select></label>
<button id="reset">reset view</button><span class="note">drag: turn; wheel: zoom; arrow keys: next row</span></div>
<dl id="about"></dl><pre id="answer"></pre>)";

constexpr const char* kEnd = R"(</div></div>
<noscript>The samples need JavaScript; tables and plots do not.</noscript></section>
)";

// Stands in the viewer's place in a build without it.
constexpr const char* kNoViewer =
    "<span>No 3D structures: the molgen3d that wrote this page was built without 3Dmol.js. "
    "<code>scripts/fetch_3dmol.sh</code> fetches it (needs a network, and npm or curl); then build "
    "again and write the page again.</span>";

}  // namespace

ViewerLibrary viewer_library() {
  return {viewer3d::kNameTxt, viewer3d::kLibraryTxt, viewer3d::kLicenceTxt};
}

std::string samples_section(const Comparison& comparison, const ViewerLibrary& viewer) {
  const bool shown = !viewer.script.empty();
  std::string out = kControls;
  out += shown ? "" : kNoViewer;
  out += kBelowNote;
  if (shown) {
    out += fmt::format("<details><summary>3D viewer: {}</summary><pre>{}</pre></details>",
                       html_escaped(std::string(viewer.name)),
                       html_escaped(std::string(viewer.licence)));
  }
  out += kEnd;
  const auto data = [&](const char* id, std::string_view base64_text) {
    out += fmt::format("<script type=\"application/octet-stream\" id=\"{}\">{}</script>\n", id,
                       base64_text);
  };
  data("data", payload(comparison));
  if (shown) data("viewer-library", viewer.script);
  for (const std::string_view script : {web::kStructureJs, web::kViewerJs, web::kPageJs})
    out += fmt::format("<script>\n{}</script>\n", script);
  return out;
}

}  // namespace molgen3d
