// Tables as Markdown and as HTML.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "report/shown_text.h"
#include "report/table.h"

namespace molgen3d {

namespace {

size_t longest_run(std::string_view text, char wanted) {
  size_t longest = 0;
  size_t run = 0;
  for (const char c : text) {
    run = c == wanted ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

// A cell of a Markdown table. Pages pass HTML in Markdown through, but for code (`code`), where it
// is text already.
std::string markdown_text(std::string_view text, bool code) {
  std::string out;
  for (const char c : shown_on_one_line(text)) {
    if (c == '|') out += '\\';
    if (c == '<' && !code) {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string table_markdown(const Table& table) {
  const auto cell = [&](const std::string& text, size_t column) {
    const bool code = column > 0 && table.is_text_column(column) && !text.empty();
    const std::string out = markdown_text(text, code);
    if (!code) return out;
    const std::string fence(longest_run(out, '`') + 1, '`');
    return fence.size() == 1 ? fmt::format("`{}`", out) : fmt::format("{0} {1} {0}", fence, out);
  };
  const auto line = [&](const std::vector<Cell>& row) {
    std::string out = "|";
    for (size_t c = 0; c < row.size(); ++c) out += fmt::format(" {} |", cell(cell_text(row[c]), c));
    out += '\n';
    return out;
  };
  std::string out = fmt::format("### {}\n\n|", markdown_text(table.title, false));
  for (const std::string& name : table.header)
    out += fmt::format(" {} |", markdown_text(name, false));
  out += "\n|";
  for (size_t c = 0; c < table.header.size(); ++c)
    out += table.is_text_column(c) ? " --- |" : " ---: |";
  out += "\n";
  for (const auto& row : table.rows) out += line(row);
  for (const std::string& note : table.notes)
    out += fmt::format("\n{}\n", markdown_text(note, false));
  return out;
}

std::string table_html(const Table& table) {
  std::string out = fmt::format(
      "<figure class=\"table\"><figcaption>{}</figcaption><div class=\"scroll\"><table><thead><tr>",
      html_escaped(table.title));
  const auto kind = [&](size_t c) { return table.is_text_column(c) ? " class=\"t\"" : ""; };
  // Running text stands beside the name of its row: with a dozen runs the last columns are out of
  // sight.
  std::vector<size_t> order(table.header.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (!order.empty())
    std::stable_partition(order.begin() + 1, order.end(),
                          [&](size_t c) { return table.is_text_column(c); });
  for (const size_t c : order)
    out += fmt::format("<th{}>{}</th>", kind(c), html_escaped(table.header[c]));
  out += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (const size_t c : order) {
      const std::string text = html_escaped(cell_text(row[c]));
      const bool code = c > 0 && table.is_text_column(c) && !text.empty();
      // The page shows the first lines of a long text; pointing at it shows all.
      out += code ? fmt::format("<td{0}><code title=\"{1}\">{1}</code></td>", kind(c), text)
                  : fmt::format("<td{}>{}</td>", kind(c), text);
    }
    out += "</tr>";
  }
  out += "</tbody></table></div>";
  for (const std::string& note : table.notes)
    out += fmt::format("<p class=\"note\">{}</p>", html_escaped(note));
  out += "</figure>\n";
  return out;
}

}  // namespace molgen3d
