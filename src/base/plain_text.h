// Text from outside, made safe for terminals and for formats that are read line by line or as a
// table.
#pragma once

#include <string>
#include <string_view>

namespace molgen3d {

/// Bytes of the UTF-8 character that `text` (not empty) begins with; 0 when it begins with none.
size_t utf8_length(std::string_view text);

/// Whether a terminal or an editor obeys this UTF-8 character instead of showing it: C0, DEL and C1
/// control characters, line and paragraph separators, marks that turn the direction of text.
bool is_control_character(std::string_view character);

/// Control characters as \x0a or \u202e, bytes that are no UTF-8 as \xff: one line that can
/// be shown anywhere.
std::string with_controls_escaped(std::string_view text);

/// Control characters as spaces: one line of a format that knows no escapes. Bytes that are no
/// UTF-8 stay, C1 codes among them aside.
std::string on_one_line(std::string_view text);

/// A JSON text with the control characters that JSON allows in strings as \uXXXX, which means the
/// same.
std::string json_without_controls(std::string json);

/// A field of a CSV row (RFC 4180), quoted when need be. What a spreadsheet would take for a
/// formula
/// (`=`, `+`, `-` or `@` in front, or behind a tab or line break) gets an apostrophe in front,
/// unless it is a number.
std::string csv_field(std::string_view text);

}  // namespace molgen3d
