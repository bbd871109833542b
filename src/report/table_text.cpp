// Tables as plain text: below a rule, and as listings.
#include <fmt/format.h>

#include <algorithm>

#include "base/plain_text.h"
#include "report/shown_text.h"
#include "report/table.h"

namespace molgen3d {

namespace {

// Columns that a text takes on a terminal: bytes that do not continue a character.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
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

std::string without_end(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

// The first `width` characters; a tilde says that there are more.
std::string cut(const std::string& text, size_t width) {
  std::string out;
  size_t used = 0;
  for (const char c : on_one_line(text)) {
    if ((c & 0xC0) != 0x80 && used++ == width) return out + '~';
    out += c;
  }
  return out;
}

// Line by line: no piece of a title is obeyed by a terminal.
std::string title_lines(std::string_view title) {
  std::string out;
  for (;;) {
    const size_t end = title.find('\n');
    out += on_one_line(title.substr(0, end)) + "\n";
    if (end == std::string_view::npos) return out;
    title.remove_prefix(end + 1);
  }
}

}  // namespace

std::string table_text(const Table& table, size_t max_cell) {
  const size_t columns = table.header.size();
  const auto shown = [&](const std::string& raw, size_t column) {
    const std::string text = shown_on_one_line(raw);
    return column > 0 && table.is_text_column(column) ? shortened(text, max_cell) : text;
  };
  std::vector<size_t> widths(columns);
  std::vector<std::vector<std::string>> lines(1);
  for (size_t c = 0; c < columns; ++c) {
    widths[c] = width_of(table.header[c]);
    lines[0].push_back(shown(table.header[c], c));
  }
  for (const auto& row : table.rows) {
    auto& line = lines.emplace_back();
    for (size_t c = 0; c < columns; ++c) {
      line.push_back(shown(cell_text(row[c]), c));
      widths[c] = std::max(widths[c], width_of(line[c]));
    }
  }
  size_t total = columns > 0 ? 2 * (columns - 1) : 0;
  for (const size_t width : widths) total += width;
  std::string out = table.title + "\n";
  for (size_t l = 0; l < lines.size(); ++l) {
    std::string line;
    for (size_t c = 0; c < columns; ++c) {
      if (c > 0) line += "  ";
      line += padded(lines[l][c], widths[c], table.is_text_column(c));
    }
    out += without_end(line) + "\n";
    if (l == 0) out += std::string(total, '-') + "\n";
  }
  for (const std::string& note : table.notes) out += note + "\n";
  return out;
}

std::string table_listing(const Table& table, size_t max_text, bool exact) {
  const size_t columns = table.header.size();
  const auto shown = [&](const Cell& cell) {
    const auto* number = std::get_if<Number>(&cell.content);
    if (number != nullptr && exact) return number_text(number->value);
    return cell.is_text() ? cut(cell_text(cell), max_text) : cell_text(cell);
  };
  std::vector<size_t> widths(columns);
  std::vector<bool> left(columns);
  std::vector<std::vector<std::string>> lines(1);
  for (size_t c = 0; c < columns; ++c) {
    lines[0].push_back(on_one_line(table.header[c]));
    widths[c] = width_of(lines[0][c]);
  }
  for (const auto& row : table.rows) {
    auto& line = lines.emplace_back();
    for (size_t c = 0; c < columns; ++c) {
      line.push_back(shown(row[c]));
      widths[c] = std::max(widths[c], width_of(line[c]));
      if (row[c].is_text()) left[c] = true;
    }
  }
  std::string out = title_lines(table.title);
  for (const auto& line : lines) {
    std::string text = " ";
    for (size_t c = 0; c < columns; ++c) {
      text += ' ';
      text += padded(line[c], widths[c], left[c]);
    }
    out += without_end(text) + "\n";
  }
  for (const std::string& note : table.notes) out += "  " + on_one_line(note) + "\n";
  return out;
}

}  // namespace molgen3d
