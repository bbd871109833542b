#include "trace/reports/print_tables.h"

#include "base/json_text.h"
#include "base/plain_text.h"

namespace molgen3d::trace {
namespace {

void print_json(const Table& table, std::string& out) {
  out += "{\"title\":";
  append_json_string(out, table.title);
  out += ",\"rows\":[";
  for (size_t r = 0; r < table.rows.size(); ++r) {
    out += r ? ",\n{" : "\n{";
    for (size_t c = 0; c < table.header.size(); ++c) {
      if (c) out += ',';
      append_json_string(out, table.header[c]);
      out += ':';
      append_cell_json(out, table.rows[r][c]);
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

std::string print_tables(const std::vector<Table>& tables, TableFormat format, size_t name_width,
                         bool exact) {
  std::string out;
  if (format == TableFormat::kJson) out += "{\"tables\":[";
  for (size_t i = 0; i < tables.size(); ++i) {
    if (format == TableFormat::kJson) {
      out += i ? ",\n" : "\n";
      print_json(tables[i], out);
      continue;
    }
    if (i) out += "\n";
    out += format == TableFormat::kText ? table_listing(tables[i], name_width, exact)
                                        : table_csv(tables[i]);
  }
  if (format != TableFormat::kJson) return out;
  out += "]}\n";
  return json_without_controls(std::move(out));
}

}  // namespace molgen3d::trace
