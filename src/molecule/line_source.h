// Lines of a plain, gzip or xz file, or of a text in memory. Private to the room.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "molecule/byte_source.h"

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
    kBroken,  ///< error() says why; the source is at its end afterwards
  };
  /// One line without its line break (LF or CRLF). A byte-order mark at the start is dropped.
  Status next(std::string& line, size_t limit);

  /// Number of the line that next() gave last, 1-based.
  size_t line_number() const { return line_number_; }
  const std::string& error() const { return error_; }

 private:
  LineSource() = default;
  bool fill();

  std::unique_ptr<ByteSource> file_;
  std::vector<char> buffer_;
  std::string_view pending_;
  std::string error_;
  size_t line_number_ = 0;
  bool error_reported_ = false;
};

}  // namespace molgen3d
