// A table of short texts, and how it is written.
#pragma once

#include <string>
#include <vector>

namespace molgen3d {

struct Table {
  std::string title{};
  std::vector<std::string> header{};
  std::vector<std::vector<std::string>> rows{};  ///< as long as the header
  std::string note{};                            ///< definitions and units; may be empty
  /// Columns of running text (examples) stand left and may be shortened; all others but the first
  /// stand right.
  std::vector<size_t> text_columns{};

  bool is_text_column(size_t column) const;
};

/// Plain text, columns aligned; `max_cell` bytes at most per cell of a text column.
std::string table_text(const Table& table, size_t max_cell = 60);
std::string table_markdown(const Table& table);
std::string table_html(const Table& table);

/// `&`, `<`, `>` and quotes as entities; control characters and invalid UTF-8 as U+FFFD.
std::string html_escaped(std::string_view text);

}  // namespace molgen3d
