#include "files/csv_rows.h"

#include <fmt/format.h>

namespace molgen3d {

using Status = LineSource::Status;

CsvRows::Line CsvRows::next_line() {
  Line line;
  if (!again_.empty()) {
    line = std::move(again_.front());
    again_.pop_front();
    return line;
  }
  line.status = lines_.next(line.text, max_row_);
  line.number = lines_.line_number();
  return line;
}

bool CsvRows::split(const Line& line, Row& row) {
  ++lines_split_;
  const std::string& text = line.text;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_quotes_) {
      if (c != '"') {
        row.fields.back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        row.fields.back() += text[++i];
      } else {
        in_quotes_ = false;
      }
    } else if (c == '"' && row.fields.back().empty()) {
      in_quotes_ = true;
      quote_line_ = line.number;
      quote_end_ = row.text.size();
      behind_.clear();
    } else if (c == separator_) {
      row.fields.emplace_back();
    } else {
      row.fields.back() += c;
    }
  }
  if (in_quotes_) row.fields.back() += '\n';
  return !in_quotes_;
}

void CsvRows::fail_open_quote(Row& row, const char* how) {
  row.cause = fmt::format("a quoted field that opens in line {} is {}", quote_line_, how);
  row.text.resize(quote_end_);
  row.fields.clear();
  again_.insert(again_.begin(), std::make_move_iterator(behind_.begin()),
                std::make_move_iterator(behind_.end()));
}

bool CsvRows::next(Row& row) {
  row = Row();
  row.fields.emplace_back();
  in_quotes_ = false;
  behind_.clear();
  for (bool first = true;; first = false) {
    Line line = next_line();
    if (first) row.line = line.number;
    if (line.status == Status::kEnd) {
      if (first) return false;
      fail_open_quote(row, "never closed");
      return true;
    }
    if (!first) row.text += '\n';
    row.text += line.text;
    if (line.status == Status::kBroken) {
      row.cause = lines_.error();
      return true;
    }
    if (first && line.status == Status::kTooLong) {
      row.cause = fmt::format("line longer than {} bytes", max_row_);
      return true;
    }
    if (!first && (line.status == Status::kTooLong || row.text.size() > max_row_)) {
      behind_.push_back(std::move(line));
      fail_open_quote(row, "not closed within the longest row that is read");
      return true;
    }
    if (split(line, row)) return true;
    if (line.number != quote_line_) behind_.push_back(std::move(line));
  }
}

}  // namespace molgen3d
