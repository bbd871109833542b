#include "server/completion_text.h"

#include <algorithm>

#include "base/plain_text.h"

namespace molgen3d {

namespace {

/// Bytes at the end of `text` that a stop text may begin with.
size_t begun_stop(std::string_view text, const std::vector<std::string>& stops) {
  size_t longest = 0;
  for (const std::string& stop : stops) {
    for (size_t size = std::min(stop.size() - 1, text.size()); size > longest; --size) {
      if (text.ends_with(std::string_view(stop).substr(0, size))) longest = size;
    }
  }
  return longest;
}

/// Bytes at the end of `text` that are the beginning of a UTF-8 character.
size_t begun_character(std::string_view text) {
  constexpr size_t kLongest = 4;
  for (size_t back = 1; back <= std::min(kLongest - 1, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return 0;
    if (byte >= 0xC0) return utf8_length(text.substr(text.size() - back)) == 0 ? back : 0;
  }
  return 0;
}

}  // namespace

VisibleText visible_text(std::string_view text, const std::vector<std::string>& stops,
                         bool finished) {
  size_t first = std::string_view::npos;
  for (const std::string& stop : stops) first = std::min(first, text.find(stop));
  if (first != std::string_view::npos) return {first, true};
  if (finished) return {text.size(), false};
  return {text.size() - std::max(begun_stop(text, stops), begun_character(text)), false};
}

}  // namespace molgen3d
