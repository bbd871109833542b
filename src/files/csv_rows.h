// Rows of a CSV text (RFC 4180) in one pass over its lines.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "files/line_source.h"

namespace molgen3d {

/// Quoted fields may hold separators, line breaks and doubled quotes.
class CsvRows {
 public:
  struct Row {
    size_t line = 0;   ///< 1-based line where it begins
    std::string text;  ///< as it stands in the file, line breaks as LF
    std::vector<std::string> fields;
    std::string cause;  ///< why it is no row; empty when it is one
  };

  /// `max_row`: bytes; a longer row fails. `lines` must outlive this.
  CsvRows(LineSource& lines, char separator, size_t max_row)
      : lines_(lines), separator_(separator), max_row_(max_row) {}

  /// False at the end. When a quote is never closed the row that holds it fails, up to the end of
  /// the quote's line, and the lines behind it are read as rows of their own.
  bool next(Row& row);
  /// How often a line was split so far, the lines behind an open quote twice: the work of reading.
  size_t lines_split() const { return lines_split_; }

 private:
  struct Line {
    LineSource::Status status = LineSource::Status::kEnd;
    size_t number = 0;
    std::string text;
  };
  Line next_line();
  /// Splits one more line of the row. True when the row is complete.
  bool split(const Line& line, Row& row);
  void fail_open_quote(Row& row, const char* how);

  LineSource& lines_;
  char separator_;
  size_t max_row_;
  std::deque<Line> again_;   ///< to be read before what `lines_` gives
  std::deque<Line> behind_;  ///< of this row, behind the line of the open quote
  size_t lines_split_ = 0;
  bool in_quotes_ = false;
  size_t quote_line_ = 0;
  size_t quote_end_ = 0;  ///< of row.text: the end of the open quote's line
};

}  // namespace molgen3d
