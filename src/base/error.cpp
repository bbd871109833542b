#include "base/error.h"

#include "base/plain_text.h"

namespace molgen3d {

std::string in_quotes(std::string_view text, size_t limit) {
  const bool cut = text.size() > limit;
  if (cut) {
    size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string quoted;
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  std::string out = "\"";
  out += with_controls_escaped(quoted);
  out += cut ? "...\"" : "\"";
  return out;
}

}  // namespace molgen3d
