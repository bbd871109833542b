// Samples in the page: compressed data, the table and the viewer that its scripts fill.
#include "report/samples_browser.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstdint>

#include "base/error.h"
#include "embedded/viewer3d.h"
#include "embedded/web.h"
#include "report/shown_text.h"

namespace molgen3d {

namespace {

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

std::string samples_browser(const std::string& data, const ViewerLibrary& viewer) {
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
  const auto attach = [&](const char* id, std::string_view base64_text) {
    out += fmt::format("<script type=\"application/octet-stream\" id=\"{}\">{}</script>\n", id,
                       base64_text);
  };
  attach("data", base64(deflated(data)));
  if (shown) attach("viewer-library", viewer.script);
  for (const std::string_view script : {web::kStructureJs, web::kViewerJs, web::kPageJs})
    out += fmt::format("<script>\n{}</script>\n", script);
  return out;
}

}  // namespace molgen3d
