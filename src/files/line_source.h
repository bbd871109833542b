// Lines of a plain, gzip or xz file, or of a text in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "files/byte_source.h"

namespace molgen3d {

class LineSource {
 public:
  /// `-`: standard input. Throws Error when the file cannot be opened.
  static LineSource file(const std::string& path);
  static LineSource memory(std::string text);

  enum class Status : uint8_t {
    kLine,
    kTooLong,  ///< `line` holds the first `limit` bytes, the rest was skipped
    kEnd,
    /// error() says why; `line` holds what was read of a line that the error cut off. The source is
    /// at its end afterwards.
    kBroken,
  };
  /// One line without its line break: LF, CRLF, a lone CR, or CR CR LF (CRLF converted twice). A
  /// byte-order mark at the start is dropped.
  Status next(std::string& line, size_t limit);

  /// Number of the line that next() gave last, 1-based.
  size_t line_number() const { return line_number_; }
  const std::string& error() const { return error_; }
  /// The first bytes, as many as one reading gives, before anything is taken; they stay.
  std::string_view begin();

 private:
  LineSource() = default;
  bool fill();
  /// Takes the line break that pending_ begins with.
  void take_break();

  std::unique_ptr<ByteSource> file_;
  std::vector<char> buffer_;
  std::string_view pending_;
  std::string error_;
  size_t line_number_ = 0;
  size_t empty_lines_ = 0;  ///< line breaks that were looked at to tell CR CR LF from CR CR
  bool error_reported_ = false;
};

}  // namespace molgen3d
