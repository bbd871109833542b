// Opens a report in headless Chromium: a click on a row changes the 3D picture, colours mean what
// the legend says, no error, no network; and the pages that have no picture to show.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "study/comparison.h"
#include "study/synthetic_runs.h"

namespace molgen3d {
namespace {

using Json = nlohmann::json;

// Runs in the page after its own scripts: acts as a reader would and leaves what it saw in the DOM.
constexpr const char* kProbe = R"(<script>
const errors = [];
addEventListener("error", e => errors.push(String(e.message)));
addEventListener("unhandledrejection", e => errors.push(String(e.reason)));
addEventListener("securitypolicyviolation", e => errors.push("blocked " + e.blockedURI));
const byId = id => document.getElementById(id), rows = () => document.querySelectorAll("#samples tbody tr");
const choice = (id, value) => { byId(id).value = value; byId(id).onchange(); };

// Pixels of the picture by what the legend says of their colour.
function picture() {
  const from = document.querySelector("#stage canvas"), copy = document.createElement("canvas");
  [copy.width, copy.height] = [from.width, from.height];
  const g = copy.getContext("2d", { willReadFrequently: true });
  g.drawImage(from, 0, 0);
  const p = g.getImageData(0, 0, copy.width, copy.height).data, seen = { ink: 0, off: 0, junk: 0, reference: 0 };
  for (let i = 0; i < p.length; i += 4) {
    const [red, green, blue] = [p[i], p[i + 1], p[i + 2]];
    seen.ink += red + green + blue < 700;
    seen.off += red > 100 && green < 60 && blue > red / 3 && blue < red;
    seen.junk += red > 150 && green > red / 3 && green < red * 0.65 && blue < 40;
    seen.reference += red > 60 && blue - red >= 6 && blue - red <= 25 && green - red >= 0.35 * (blue - red);
  }
  seen.image = from.toDataURL();
  return seen;
}

// Drags and zooms, and puts the view back.
function turn(seen) {
  const canvas = document.querySelector("#stage canvas"), box = canvas.getBoundingClientRect(), before = picture().image;
  const at = (x, y, more) => ({ bubbles: true, cancelable: true, clientX: box.left + x, clientY: box.top + y, view: window, ...more });
  canvas.dispatchEvent(new MouseEvent("mousedown", at(200, 180, { buttons: 1 })));
  canvas.dispatchEvent(new MouseEvent("mousemove", at(260, 220, { buttons: 1 })));
  canvas.dispatchEvent(new MouseEvent("mouseup", at(260, 220)));
  const turned = picture().image, scale = () => parseFloat(byId("scale").style.width) / parseFloat(byId("scale").textContent);
  const small = scale();
  canvas.dispatchEvent(new WheelEvent("wheel", at(200, 180, { deltaY: -20 })));
  seen.turned = turned !== before;
  seen.zoomed = scale() > small && picture().image !== turned;
  byId("reset").click();
  seen.resetUndoes = picture().image === before;
}

function probeViewer(seen) {
  rows()[1].click();
  const plain = picture();
  rows()[5].click();
  const other = picture();
  seen.changed = plain.image !== other.image && plain.image.startsWith("data:image/png;base64,");
  seen.inks = [plain.ink, other.ink];
  rows()[0].click();
  const off = picture();
  choice("colour", "element");
  seen.off = [plain.off, off.off, picture().off];
  choice("colour", "check");
  byId("reset").click();
  seen.resetKeepsPicture = picture().image === off.image;
  seen.scale = [parseFloat(byId("scale").style.width), byId("scale").textContent];
  turn(seen);
  rows()[2].click();
  seen.reference = [plain.reference, picture().reference];
  rows()[41].click();
  const junk = picture();
  choice("colour", "element");
  seen.junk = [plain.junk, junk.junk, picture().junk];
  const unlabelled = picture().image;
  choice("labels", "numbers");
  seen.labelled = picture().image !== unlabelled;
  dispatchEvent(new Event("beforeprint"));
  seen.printed = byId("picture").src === picture().image;
  seen.elements = byId("elements").textContent;
  rows()[43].click();
  seen.nothing = [byId("viewer-note").textContent, picture().ink];
}

async function probe() {
  for (let i = 0; i < 200 && !document.documentElement.dataset.ready; i++)
    await new Promise(go => setTimeout(go, 25));
  const seen = { ready: document.documentElement.dataset.ready, rows: rows().length };
  seen.note = byId("viewer-note").textContent;
  seen.licence = document.querySelector(".side details")?.textContent.includes("University of Pittsburgh");
  seen.canvases = document.querySelectorAll("canvas").length;
  seen.controls = byId("viewer-controls").offsetHeight > 0;
  const before = byId("about").textContent;
  rows()[5].click();
  seen.aboutChanged = byId("about").textContent !== before;
  seen.selected = rows()[5].classList.contains("selected");
  if (seen.canvases) probeViewer(seen);
  document.querySelectorAll("#samples th button")[6].click();
  document.querySelectorAll("#samples th button")[6].click();
  const junk = [...rows()].map(r => Number(r.cells[6].textContent));
  seen.sorted = junk[0] > 0 && junk.every((v, i) => i === 0 || v <= junk[i - 1]);
  choice("kind", "fail");
  seen.filtered = rows().length > 0 && [...rows()].every(r => r.cells[4].textContent === "fail");
  seen.network = performance.getEntriesByType("resource").length;
  seen.errors = errors;
  const out = document.createElement("pre");
  out.id = "seen";
  out.textContent = JSON.stringify(seen);
  document.body.append(out);
}
probe();
</script>)";

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4096> buffer{};
  while (const size_t size = fread(buffer.data(), 1, buffer.size(), pipe))
    out.append(buffer.data(), size);
  pclose(pipe);
  return out;
}

std::string browser() {
  for (const std::string name : {"chromium-headless-shell", "chromium", "google-chrome"})
    if (std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0) return name;
  return {};
}

// Two runs of 40 samples; the third of the first has a reference, the fourth of the second no
// structure.
std::vector<RunReport> two_runs() {
  std::vector<RunReport> runs = {synthetic_run("none", 40, 1), synthetic_run("allowlist", 40, 2)};
  Coordinates reference;
  for (int atom = 0; atom < 26; ++atom)
    reference.push_back({1.2 * atom - 15, atom % 2 * 1.0, atom % 3 * 0.7});
  runs[1].samples[3].decoded_text = "[CONFORMER]no atoms[/CONFORMER]";
  runs[0].references = {{runs[0].samples[2].prompt_smiles, reference}};
  return runs;
}

// What the probe saw, and the lines on the browser's console as "console".
Json visit(const ViewerLibrary& viewer, const std::string& graphics) {
  std::string folder =
      (std::filesystem::temp_directory_path() / "molgen3d_browser_XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return "no temporary folder";
  const std::vector<RunReport> runs = two_runs();
  std::string page = comparison_html(compare_runs(runs), "browser test", viewer);
  page.insert(page.find("</main>"), kProbe);
  std::ofstream(folder + "/report.html") << page;
  const std::string output = output_of(
      "cd " + folder + " && timeout 120 " + browser() + " --headless --no-sandbox " + graphics +
      " --disable-quic --no-first-run --disable-background-networking "
      "--disable-component-update --disable-sync --window-size=1500,1200 "
      "--user-data-dir=" +
      folder + "/profile --enable-logging=stderr --virtual-time-budget=20000 --dump-dom file://" +
      folder + "/report.html 2>" + folder + "/log");
  std::ifstream log(folder + "/log");
  Json console = Json::array();
  for (std::string line; std::getline(log, line);)
    if (line.find("CONSOLE") != std::string::npos) console.push_back(line);
  std::filesystem::remove_all(folder);
  constexpr std::string_view kBegin = "<pre id=\"seen\">";
  const size_t begin = output.find(kBegin);
  if (begin == std::string::npos) return "no answer: " + output.substr(0, 2000);
  const size_t text = begin + kBegin.size();
  Json seen = Json::parse(output.substr(text, output.find("</pre>", begin) - text));
  seen["console"] = console;
  return seen;
}

// What holds with and without a picture.
void expect_working_page(const Json& seen) {
  ASSERT_TRUE(seen.is_object()) << seen;
  EXPECT_EQ(seen["ready"], "80");
  EXPECT_EQ(seen["rows"], 80);
  for (const char* what : {"aboutChanged", "selected", "sorted", "filtered"})
    EXPECT_EQ(seen[what], true) << what;
  EXPECT_EQ(seen["network"], 0);
  EXPECT_EQ(seen["errors"], Json::array());
  EXPECT_EQ(seen["console"], Json::array());
}

class Browser : public testing::Test {
 protected:
  void SetUp() override {
    if (browser().empty()) GTEST_SKIP() << "no browser (Debian package chromium-headless-shell)";
  }
};

constexpr const char* kSoftwareWebGl = "--use-angle=swiftshader --enable-unsafe-swiftshader";

TEST_F(Browser, RowClickChangesTheViewer) {
  if (viewer_library().script.empty())
    GTEST_SKIP() << "this build has no 3Dmol.js (scripts/fetch_3dmol.sh)";
  const Json seen = visit(viewer_library(), kSoftwareWebGl);
  expect_working_page(seen);
  if (HasFailure()) return;
  EXPECT_EQ(seen["note"], "");
  EXPECT_EQ(seen["canvases"], 1);  // one viewer for all samples
  for (const char* what : {"controls", "changed", "labelled", "printed", "resetKeepsPicture",
                           "turned", "zoomed", "resetUndoes"})
    EXPECT_EQ(seen[what], true) << what;
  for (const Json& ink : seen["inks"]) EXPECT_GT(ink, 5000);
  // Marked colours: absent without the finding, there with it, gone when colours mean elements.
  const auto only_when_marked = [&](const char* what) {
    EXPECT_LT(seen[what][0], 10) << what;
    EXPECT_GT(seen[what][1], 300) << what;
    EXPECT_LT(seen[what][2], 10) << what;
  };
  only_when_marked("off");
  only_when_marked("junk");
  EXPECT_LT(seen["reference"][0], 50);
  EXPECT_GT(seen["reference"][1], 1000);
  EXPECT_EQ(seen["elements"], "CN");
  EXPECT_EQ(seen["nothing"], Json({"No structure can be drawn from this answer.", 0}));
  EXPECT_EQ(seen["licence"], true);
  // The longest of 1, 2, 5, 10 ... Angstrom within 30 % of the width, in percent: 19 A are in view.
  EXPECT_NEAR(seen["scale"][0], 26.5, 1.5);
  EXPECT_EQ(seen["scale"][1], "5 \u00c5");
}

TEST_F(Browser, BuildWithoutTheLibrarySaysSo) {
  const Json seen = visit({}, kSoftwareWebGl);
  expect_working_page(seen);
  if (HasFailure()) return;
  EXPECT_EQ(seen["canvases"], 0);
  EXPECT_EQ(seen["controls"], false);
  EXPECT_NE(seen["note"].get<std::string>().find("built without 3Dmol.js"), std::string::npos);
}

TEST_F(Browser, BrowserWithoutWebGlSaysSo) {
  if (viewer_library().script.empty())
    GTEST_SKIP() << "this build has no 3Dmol.js (scripts/fetch_3dmol.sh)";
  const Json seen = visit(viewer_library(), "--disable-gpu --disable-software-rasterizer");
  expect_working_page(seen);
  if (HasFailure()) return;
  EXPECT_EQ(seen["canvases"], 0);
  EXPECT_EQ(seen["controls"], false);
  EXPECT_NE(seen["note"].get<std::string>().find("no WebGL"), std::string::npos);
}

}  // namespace
}  // namespace molgen3d
