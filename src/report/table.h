// One typed table for every report: what a cell holds, and the forms in which tables are written.
// Values are kept whole; decimals and units only say how people see them.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace molgen3d {

/// A measured number and how it is shown.
struct Number {
  double value = 0;
  int decimals = 3;
  std::string_view
      unit{};             ///< stands behind the number ("%"): a literal; empty when the header says
  bool sign = false;      ///< + before positive numbers
  bool exponent = false;  ///< 1.2e+05
  bool operator==(const Number&) const = default;
};

/// Which part of a whole the value beside it is.
struct Share {
  double percent = 0;
  int decimals = 1;
  bool operator==(const Share&) const = default;
};

/// Between which bounds the value beside it may lie.
struct Interval {
  Number low, high;
  bool marked = false;  ///< a star behind it
  bool operator==(const Interval&) const = default;
};

/// One place of a table: nothing, text, a count or a number; a figure may have company.
struct Cell {
  std::variant<std::monostate, std::string, int64_t, Number> content;
  std::variant<std::monostate, Share, Interval> beside;

  Cell() = default;  ///< no figure
  Cell(std::string text) : content(std::move(text)) {}
  Cell(std::string_view text) : content(std::string(text)) {}
  Cell(const char* text) : content(std::string(text)) {}
  Cell(Number number) : content(number) {}
  Cell(double number) : content(Number{.value = number}) {}
  template <std::integral Count>
  requires(!std::same_as<Count, bool>) Cell(Count count) : content(static_cast<int64_t>(count)) {}

  bool is_text() const { return std::holds_alternative<std::string>(content); }
  bool operator==(const Cell&) const = default;
};

struct Table {
  std::string title{};  ///< a line break in it is one in listings
  std::vector<std::string> header{};
  std::vector<std::vector<Cell>> rows{};  ///< as long as the header
  std::vector<std::string> notes{};       ///< definitions, units, facts that no column holds
  /// Columns of running text (examples) stand left and may be shortened; all others but the first
  /// stand right. Listings and machines look at the cells instead.
  std::vector<size_t> text_columns{};

  bool is_text_column(size_t column) const;
};

/// A cell as people read it: "-", "text", "12", "0.25", "92.2 %", "12 (4.7 %)", "0.5 (0.4..0.6) *".
std::string cell_text(const Cell& cell);
/// Shortest text that reads back as the same double.
std::string number_text(double value);

/// Rows as columns, `first` above the names of the old columns.
Table transposed(const Table& table, const std::string& first);

/// Plain text below a rule, columns aligned; `max_cell` bytes at most per cell of a text column.
std::string table_text(const Table& table, size_t max_cell = 60);
/// Plain text without a rule, for long lists: columns with a text in them stand left, and each text
/// has `max_text` characters at most. `exact`: numbers in full.
std::string table_listing(const Table& table, size_t max_text = 80, bool exact = false);
std::string table_markdown(const Table& table);
std::string table_html(const Table& table);
/// RFC 4180, numbers in full, nothing for no figure; without title and notes.
std::string table_csv(const Table& table);
/// {"title", "header", "rows": [[cell, ...], ...], "note"}, cells as append_cell_json() writes
/// them.
std::string table_json(const Table& table);

/// Appends null, a string, a number in full, or, of a number with a unit or company, an object:
/// {"value": 92.2, "unit": "%"}, {"value": 12, "percent": 4.7}, {"value", "low", "high"}.
/// Infinities and NaN are null.
void append_cell_json(std::string& out, const Cell& cell);

}  // namespace molgen3d
