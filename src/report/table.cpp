#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace molgen3d {

namespace {

std::string text_of(const Number& number) {
  const double value = number.value;
  if (!std::isfinite(value)) return value > 0 ? "inf" : std::isnan(value) ? "nan" : "-inf";
  const std::string digits = number.exponent
                                 ? (number.sign ? fmt::format("{:+.{}e}", value, number.decimals)
                                                : fmt::format("{:.{}e}", value, number.decimals))
                                 : (number.sign ? fmt::format("{:+.{}f}", value, number.decimals)
                                                : fmt::format("{:.{}f}", value, number.decimals));
  return number.unit.empty() ? digits : fmt::format("{} {}", digits, number.unit);
}

}  // namespace

bool Table::is_text_column(size_t column) const {
  return column == 0 ||
         std::find(text_columns.begin(), text_columns.end(), column) != text_columns.end();
}

std::string number_text(double value) {
  return fmt::format("{}", value);
}

std::string cell_text(const Cell& cell) {
  std::string out = "-";
  if (const auto* text = std::get_if<std::string>(&cell.content)) out = *text;
  if (const auto* count = std::get_if<int64_t>(&cell.content)) out = std::to_string(*count);
  if (const auto* number = std::get_if<Number>(&cell.content)) out = text_of(*number);
  if (const auto* share = std::get_if<Share>(&cell.beside))
    out += fmt::format(" ({})", text_of({share->percent, share->decimals, "%"}));
  if (const auto* interval = std::get_if<Interval>(&cell.beside)) {
    out += fmt::format(" ({}..{}){}", text_of(interval->low), text_of(interval->high),
                       interval->marked ? " *" : "");
  }
  return out;
}

Table transposed(const Table& table, const std::string& first) {
  Table out{.title = table.title, .header = {first}, .notes = table.notes};
  for (const auto& row : table.rows) out.header.push_back(cell_text(row[0]));
  for (size_t c = 1; c < table.header.size(); ++c) {
    out.rows.push_back({table.header[c]});
    for (const auto& row : table.rows) out.rows.back().push_back(row[c]);
  }
  return out;
}

}  // namespace molgen3d
