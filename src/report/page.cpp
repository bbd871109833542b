#include "report/page.h"

#include <fmt/format.h>

#include "embedded/web.h"
#include "report/shown_text.h"

namespace molgen3d {

std::string page_html(const std::string& title, const std::string& lead,
                      const std::vector<PageSection>& sections) {
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
  out += fmt::format("<p class=\"lead\">{}</p>\n<nav>", lead);
  for (const PageSection& section : sections)
    out += fmt::format("<a href=\"#{}\">{}</a>", section.id, section.name);
  out += "</nav>\n";
  for (const PageSection& section : sections) {
    if (!section.own_heading)
      out += fmt::format("<h2 id=\"{}\">{}</h2>\n", section.id, section.name);
    out += section.html;
  }
  out += "</main></body></html>\n";
  return out;
}

}  // namespace molgen3d
