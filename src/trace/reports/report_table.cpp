#include "trace/reports/report_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json_text.h"
#include "base/plain_text.h"

namespace molgen3d::trace {
namespace {

// Characters on a terminal: every UTF-8 lead byte counts as one.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string cut(const std::string& text, size_t width) {
  std::string clean;
  size_t used = 0;
  for (const char c : on_one_line(text)) {
    const bool lead = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (lead && used++ == width) {
      clean += '~';
      return clean;
    }
    clean += c;
  }
  return clean;
}

std::string cell_text(const Cell& cell, size_t name_width, bool exact) {
  if (const auto* i = std::get_if<int64_t>(&cell)) return std::to_string(*i);
  if (const auto* d = std::get_if<double>(&cell)) {
    return exact ? number_text(*d) : fmt::format("{:.3f}", *d);
  }
  if (const auto* s = std::get_if<std::string>(&cell)) return cut(*s, name_width);
  return "-";
}

/// A title may be several lines; no piece of one is obeyed by a terminal.
void print_title(std::string_view title, std::string& out) {
  for (;;) {
    const size_t end = title.find('\n');
    out += on_one_line(title.substr(0, end)) + "\n";
    if (end == std::string_view::npos) return;
    title.remove_prefix(end + 1);
  }
}

void print_text(const ReportTable& table, size_t name_width, bool exact, std::string& out) {
  print_title(table.title, out);
  const size_t n = table.columns.size();
  std::vector<size_t> widths(n);
  std::vector<bool> right(n, true);
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> cells;
  for (const std::string& name : table.columns) head.push_back(on_one_line(name));
  for (size_t c = 0; c < n; ++c) widths[c] = width_of(head[c]);
  for (const auto& row : table.rows) {
    auto& line = cells.emplace_back();
    for (size_t c = 0; c < n; ++c) {
      line.push_back(cell_text(row[c], name_width, exact));
      widths[c] = std::max(widths[c], width_of(line[c]));
      if (std::holds_alternative<std::string>(row[c])) right[c] = false;
    }
  }
  const auto put = [&](const std::vector<std::string>& line) {
    std::string text = " ";
    for (size_t c = 0; c < n; ++c) {
      const std::string pad(widths[c] - std::min(widths[c], width_of(line[c])), ' ');
      text += ' ';
      if (right[c]) text += pad;
      text += line[c];
      if (!right[c]) text += pad;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  put(head);
  for (const auto& line : cells) put(line);
  for (const std::string& note : table.notes) out += "  " + on_one_line(note) + "\n";
}

void print_csv(const ReportTable& table, std::string& out) {
  for (size_t c = 0; c < table.columns.size(); ++c) {
    if (c) out += ',';
    out += csv_field(table.columns[c]);
  }
  out += "\n";
  for (const auto& row : table.rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      if (c) out += ',';
      if (const auto* i = std::get_if<int64_t>(&row[c])) out += std::to_string(*i);
      if (const auto* d = std::get_if<double>(&row[c])) out += number_text(*d);
      if (const auto* s = std::get_if<std::string>(&row[c])) out += csv_field(*s);
    }
    out += "\n";
  }
}

void print_json(const ReportTable& table, std::string& out) {
  out += "{\"title\":";
  append_json_string(out, table.title);
  out += ",\"rows\":[";
  for (size_t r = 0; r < table.rows.size(); ++r) {
    out += r ? ",\n{" : "\n{";
    for (size_t c = 0; c < table.columns.size(); ++c) {
      if (c) out += ',';
      append_json_string(out, table.columns[c]);
      out += ':';
      const Cell& cell = table.rows[r][c];
      if (const auto* i = std::get_if<int64_t>(&cell)) {
        out += std::to_string(*i);
      } else if (const auto* d = std::get_if<double>(&cell)) {
        out += std::isfinite(*d) ? number_text(*d) : "null";
      } else if (const auto* s = std::get_if<std::string>(&cell)) {
        append_json_string(out, *s);
      } else {
        out += "null";
      }
    }
    out += '}';
  }
  out += "],\"notes\":[";
  for (size_t i = 0; i < table.notes.size(); ++i) {
    if (i) out += ',';
    append_json_string(out, table.notes[i]);
  }
  out += "]}";
}

}  // namespace

std::string csv_field(const std::string& text) {
  return molgen3d::csv_field(text);
}

std::string number_text(double value) {
  return fmt::format("{}", value);
}

std::string print_tables(const std::vector<ReportTable>& tables, TableFormat format,
                         size_t name_width, bool exact) {
  std::string out;
  if (format == TableFormat::kJson) out += "{\"tables\":[";
  for (size_t i = 0; i < tables.size(); ++i) {
    if (format == TableFormat::kText) {
      if (i) out += "\n";
      print_text(tables[i], name_width, exact, out);
    } else if (format == TableFormat::kCsv) {
      if (i) out += "\n";
      print_csv(tables[i], out);
    } else {
      out += i ? ",\n" : "\n";
      print_json(tables[i], out);
    }
  }
  if (format != TableFormat::kJson) return out;
  out += "]}\n";
  return json_without_controls(std::move(out));
}

}  // namespace molgen3d::trace
