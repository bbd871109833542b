// Opens a report in headless Chromium: a click on a row changes the viewer, no error, no network.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "report/comparison.h"
#include "report/synthetic_runs.h"

namespace molgen3d {
namespace {

// Runs in the page after its own scripts: acts as a reader would and leaves what it saw in the DOM.
constexpr const char* kProbe = R"(<script>
const errors = [];
addEventListener("error", e => errors.push(String(e.message)));
addEventListener("unhandledrejection", e => errors.push(String(e.reason)));
addEventListener("securitypolicyviolation", e => errors.push("blocked " + e.blockedURI));
async function probe() {
  for (let i = 0; i < 200 && !document.documentElement.dataset.ready; i++)
    await new Promise(go => setTimeout(go, 25));
  const canvas = document.getElementById("viewer"), rows = () => document.querySelectorAll("#samples tbody tr");
  const seen = {};
  seen.ready = document.documentElement.dataset.ready;
  seen.rows = rows().length;
  const before = canvas.toDataURL(), aboutBefore = document.getElementById("about").textContent;
  rows()[5].click();
  seen.viewerChanged = canvas.toDataURL() !== before;
  seen.aboutChanged = document.getElementById("about").textContent !== aboutBefore;
  seen.selected = rows()[5].classList.contains("selected");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let ink = 0;
  for (let i = 0; i < pixels.length; i += 4) ink += pixels[i] + pixels[i + 1] + pixels[i + 2] < 700;
  seen.ink = ink > 500;
  document.querySelectorAll("#samples th button")[6].click();
  document.querySelectorAll("#samples th button")[6].click();
  const junk = [...rows()].map(r => Number(r.cells[6].textContent));
  seen.sorted = junk[0] > 0 && junk.every((v, i) => i === 0 || v <= junk[i - 1]);
  document.getElementById("kind").value = "fail";
  document.getElementById("kind").onchange();
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

TEST(Browser, RowClickChangesTheViewer) {
  std::string browser;
  for (const std::string name : {"chromium-headless-shell", "chromium", "google-chrome"}) {
    if (browser.empty() && std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0)
      browser = name;
  }
  if (browser.empty()) GTEST_SKIP() << "no browser (Debian package chromium-headless-shell)";
  std::string folder =
      (std::filesystem::temp_directory_path() / "molgen3d_browser_XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::vector<RunReport> runs = {synthetic_run("none", 40, 1),
                                       synthetic_run("allowlist", 40, 2)};
  std::string page = comparison_html(compare_runs(runs), "browser test");
  page.insert(page.find("</main>"), kProbe);
  std::ofstream(folder + "/report.html") << page;
  const std::string output = output_of(
      "cd " + folder + " && timeout 120 " + browser +
      " --headless --no-sandbox --disable-gpu --disable-quic "
      "--no-first-run "
      "--disable-background-networking --disable-component-update --disable-sync --user-data-dir=" +
      folder + "/profile --enable-logging=stderr --virtual-time-budget=20000 --dump-dom file://" +
      folder + "/report.html 2>" + folder + "/log; grep -c CONSOLE " + folder +
      "/log | sed s/^/console:/");
  std::filesystem::remove_all(folder);
  const size_t begin = output.find("<pre id=\"seen\">");
  ASSERT_NE(begin, std::string::npos) << output.substr(0, 2000);
  const std::string seen = output.substr(begin + 15, output.find("</pre>", begin) - begin - 15);
  EXPECT_EQ(seen,
            R"({"ready":"80","rows":80,"viewerChanged":true,"aboutChanged":true,"selected":true,)"
            R"("ink":true,"sorted":true,"filtered":true,"network":0,"errors":[]})");
  EXPECT_NE(output.find("console:0"), std::string::npos);
}

}  // namespace
}  // namespace molgen3d
