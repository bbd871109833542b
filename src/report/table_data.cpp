// Tables for machines: CSV and JSON.
#include <fmt/format.h>

#include <cmath>

#include "base/json_text.h"
#include "base/plain_text.h"
#include "report/table.h"

namespace molgen3d {

namespace {

std::string csv_cell(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell.content)) return csv_field(*text);
  if (const auto* count = std::get_if<int64_t>(&cell.content)) return std::to_string(*count);
  if (const auto* number = std::get_if<Number>(&cell.content)) return number_text(number->value);
  return {};
}

std::string json_number(double value) {
  return std::isfinite(value) ? number_text(value) : "null";
}

template <typename List, typename Append>
void append_list(std::string& out, const List& list, const char* between, Append&& append) {
  out += '[';
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += between;
    append(list[i]);
  }
  out += ']';
}

}  // namespace

std::string table_csv(const Table& table) {
  std::string out;
  for (size_t c = 0; c < table.header.size(); ++c) {
    if (c > 0) out += ',';
    out += csv_field(table.header[c]);
  }
  out += '\n';
  for (const auto& row : table.rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      if (c > 0) out += ',';
      out += csv_cell(row[c]);
    }
    out += '\n';
  }
  return out;
}

void append_cell_json(std::string& out, const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell.content))
    return append_json_string(out, *text);
  std::string value = "null";
  if (const auto* count = std::get_if<int64_t>(&cell.content)) value = std::to_string(*count);
  const auto* number = std::get_if<Number>(&cell.content);
  if (number != nullptr) value = json_number(number->value);
  std::string more;
  if (number != nullptr && !number->unit.empty()) {
    more += ",\"unit\":";
    append_json_string(more, number->unit);
  }
  if (const auto* share = std::get_if<Share>(&cell.beside))
    more += fmt::format(",\"percent\":{}", json_number(share->percent));
  if (const auto* interval = std::get_if<Interval>(&cell.beside)) {
    more += fmt::format(",\"low\":{},\"high\":{}", json_number(interval->low.value),
                        json_number(interval->high.value));
  }
  out += more.empty() ? value : fmt::format("{{\"value\":{}{}}}", value, more);
}

std::string table_json(const Table& table) {
  const auto append_text = [](std::string& out) {
    return [&out](const std::string& text) { append_json_string(out, text); };
  };
  std::string out = "{\"title\":";
  append_json_string(out, table.title);
  out += ",\"header\":";
  append_list(out, table.header, ",", append_text(out));
  out += ",\"rows\":";
  append_list(out, table.rows, ",\n", [&](const std::vector<Cell>& row) {
    append_list(out, row, ",", [&](const Cell& cell) { append_cell_json(out, cell); });
  });
  std::string note;
  for (const std::string& line : table.notes) {
    if (!note.empty()) note += '\n';
    note += line;
  }
  out += ",\"note\":";
  append_json_string(out, note);
  return out + "}";
}

}  // namespace molgen3d
