#include "base/plain_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace molgen3d {

namespace {

unsigned char byte_at(std::string_view text, size_t i) {
  return static_cast<unsigned char>(text[i]);
}

/// Of a character of 1 to 3 bytes; longer ones are never special here.
unsigned code_point(std::string_view character) {
  if (character.size() == 2)
    return (byte_at(character, 0) & 0x1FU) << 6 | (byte_at(character, 1) & 0x3FU);
  if (character.size() == 3) {
    return (byte_at(character, 0) & 0x0FU) << 12 | (byte_at(character, 1) & 0x3FU) << 6 |
           (byte_at(character, 2) & 0x3FU);
  }
  return byte_at(character, 0);
}

bool is_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

/// Calls body(character, length); the length is 0, of one byte, where the text is no UTF-8.
template <typename Body>
void for_each_character(std::string_view text, Body&& body) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<size_t>(length, 1));
    body(character, length);
    text.remove_prefix(character.size());
  }
}

}  // namespace

size_t utf8_length(std::string_view text) {
  const unsigned char lead = byte_at(text, 0);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xC2 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF5 ? 4
                                      : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((text[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool is_control_character(std::string_view character) {
  if (character.empty() || character.size() > 3) return false;
  const unsigned code = code_point(character);
  return code < 0x20 || (code >= 0x7F && code < 0xA0 && utf8_length(character) != 0) ||
         code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string with_controls_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](std::string_view character, size_t length) {
    if (length != 0 && !is_control_character(character)) {
      out += character;
    } else if (length <= 1) {
      out += fmt::format("\\x{:02x}", byte_at(character, 0));
    } else {
      out += fmt::format("\\u{:04x}", code_point(character));
    }
  });
  return out;
}

std::string on_one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](std::string_view character, size_t length) {
    const bool lone_c1 = length == 0 && byte_at(character, 0) < 0xA0;
    out += lone_c1 || (length != 0 && is_control_character(character)) ? " " : character;
  });
  return out;
}

std::string json_without_controls(std::string json) {
  const auto beyond_ascii = [](char c) { return static_cast<unsigned char>(c) >= 0x7F; };
  if (std::none_of(json.begin(), json.end(), beyond_ascii)) return json;
  std::string out;
  out.reserve(json.size());
  for_each_character(json, [&](std::string_view character, size_t length) {
    const bool outside_c0 = byte_at(character, 0) >= 0x20;
    if (length != 0 && outside_c0 && is_control_character(character)) {
      out += fmt::format("\\u{:04x}", code_point(character));
    } else {
      out += character;
    }
  });
  return out;
}

std::string csv_field(std::string_view text) {
  std::string field(text);
  const size_t first = text.find_first_not_of("\t\r\n");
  if (first != std::string_view::npos &&
      std::string_view("=+-@").find(text[first]) != std::string_view::npos && !is_number(text)) {
    field.insert(field.begin(), '\'');
  }
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string out = "\"";
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace molgen3d
