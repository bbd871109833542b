// A small table that prints as aligned text, CSV or JSON.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace molgen3d::trace {

/// Nothing, a whole number, a measured number (printed with 3 decimals), or text.
using Cell = std::variant<std::monostate, int64_t, double, std::string>;

struct ReportTable {
  std::string title;  ///< a line break in it is one in text: names in it are put on_one_line()
  std::vector<std::string> columns;  ///< with units: "total_ms"
  std::vector<std::vector<Cell>> rows;
  std::vector<std::string> notes;  ///< printed below; facts that no column holds
};

enum class TableFormat { kText, kCsv, kJson };

/// Text has no control characters and cuts long names to `name_width` characters and, unless
/// `exact`, numbers to 3 decimals; CSV (RFC 4180) and JSON never cut. CSV of several tables: one
/// after the other, an empty line between; notes are left out.
std::string print_tables(const std::vector<ReportTable>& tables, TableFormat format,
                         size_t name_width = 80, bool exact = false);

/// One CSV field, quoted when it has to be.
std::string csv_field(const std::string& text);
/// Shortest text that reads back as the same double.
std::string number_text(double value);

}  // namespace molgen3d::trace
