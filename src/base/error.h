// The one exception type of the library.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace molgen3d {

/// Something the caller gave cannot be used: a file, a record, an option. `what()` is one line that
/// names the place (file, line or record), the offending text, shortened, and the cause.
/// Never thrown per token: the step path reports through values.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}

  /// fmt-style: Error::format("{}: tensor {} is missing", path, name).
  template <typename... Args>
  static Error format(fmt::format_string<Args...> text, Args&&... args) {
    return Error(fmt::format(text, std::forward<Args>(args)...));
  }
};

/// `text` cut to `limit` bytes on a UTF-8 boundary, control characters escaped, in double quotes:
/// the form in which errors show offending input.
std::string in_quotes(std::string_view text, size_t limit = 60);

}  // namespace molgen3d
