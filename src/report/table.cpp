#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/plain_text.h"

namespace molgen3d {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Columns that a text takes on a terminal: bytes that do not continue a character.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// A model may write anything: what a terminal would obey, or no reader could decode, is U+FFFD; the
// cell stays on one line.
std::string shown_on_one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<size_t>(length, 1));
    if (character == "\n" || character == "\t") {
      out += ' ';
    } else {
      out += length == 0 || is_control_character(character) ? kReplacement : character;
    }
    text.remove_prefix(character.size());
  }
  return out;
}

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

std::string shortened(const std::string& text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return fmt::format("{}...", text.substr(0, end));
}

std::string padded(const std::string& text, size_t width, bool left) {
  const size_t own = width_of(text);
  const std::string space(width > own ? width - own : 0, ' ');
  return left ? text + space : space + text;
}

}  // namespace

bool Table::is_text_column(size_t column) const {
  return column == 0 ||
         std::find(text_columns.begin(), text_columns.end(), column) != text_columns.end();
}

std::string table_text(const Table& table, size_t max_cell) {
  const size_t columns = table.header.size();
  std::vector<size_t> widths(columns);
  const auto cell = [&](const std::string& raw, size_t column) {
    const std::string text = shown_on_one_line(raw);
    return column > 0 && table.is_text_column(column) ? shortened(text, max_cell) : text;
  };
  for (size_t c = 0; c < columns; ++c) {
    widths[c] = width_of(table.header[c]);
    for (const auto& row : table.rows) widths[c] = std::max(widths[c], width_of(cell(row[c], c)));
  }
  const auto line = [&](const std::vector<std::string>& row) {
    std::string out;
    for (size_t c = 0; c < columns; ++c) {
      if (c > 0) out += "  ";
      out += padded(cell(row[c], c), widths[c], table.is_text_column(c));
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
    return out;
  };
  size_t total = columns > 0 ? 2 * (columns - 1) : 0;
  for (const size_t width : widths) total += width;
  std::string out = fmt::format("{}\n{}{:-<{}}\n", table.title, line(table.header), "", total);
  for (const auto& row : table.rows) out += line(row);
  if (!table.note.empty()) out += fmt::format("{}\n", table.note);
  return out;
}

std::string table_markdown(const Table& table) {
  const auto cell = [&](const std::string& text, size_t column) {
    const bool code = column > 0 && table.is_text_column(column) && !text.empty();
    const std::string out = markdown_text(text, code);
    if (!code) return out;
    const std::string fence(longest_run(out, '`') + 1, '`');
    return fence.size() == 1 ? fmt::format("`{}`", out) : fmt::format("{0} {1} {0}", fence, out);
  };
  const auto line = [&](const std::vector<std::string>& row) {
    std::string out = "|";
    for (size_t c = 0; c < row.size(); ++c) out += fmt::format(" {} |", cell(row[c], c));
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
  if (!table.note.empty()) out += fmt::format("\n{}\n", markdown_text(table.note, false));
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
      const bool code = c > 0 && table.is_text_column(c) && !row[c].empty();
      const std::string text = html_escaped(row[c]);
      // The page shows the first lines of a long text; pointing at it shows all.
      out += code ? fmt::format("<td{0}><code title=\"{1}\">{1}</code></td>", kind(c), text)
                  : fmt::format("<td{}>{}</td>", kind(c), text);
    }
    out += "</tr>";
  }
  out += "</tbody></table></div>";
  if (!table.note.empty()) out += fmt::format("<p class=\"note\">{}</p>", html_escaped(table.note));
  out += "</figure>\n";
  return out;
}

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const char c = text[0];
    if (length == 0 || (is_control_character(text.substr(0, length)) && c != '\n' && c != '\t')) {
      out += kReplacement;
      text.remove_prefix(std::max<size_t>(length, 1));
      continue;
    }
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace molgen3d
