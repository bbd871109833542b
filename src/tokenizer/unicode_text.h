// Text on its way through normalization, with each byte's place in the caller's text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// Where the bytes of a piece of text came from.
class SourceMap {
 public:
  SourceMap() = default;
  /// Byte i came from byte base + i.
  explicit SourceMap(uint32_t base) : base_(base) {}
  /// Byte i came from spans[i].
  explicit SourceMap(std::vector<ByteSpan> spans) : spans_(std::move(spans)), mapped_(true) {}

  ByteSpan range(size_t begin, size_t end) const {
    if (!mapped_) return {base_ + static_cast<uint32_t>(begin), base_ + static_cast<uint32_t>(end)};
    return {spans_[begin].begin, spans_[end - 1].end};
  }
  /// The map of the `size` bytes from `begin` on.
  SourceMap from(size_t begin, size_t size) const {
    if (!mapped_) return SourceMap(base_ + static_cast<uint32_t>(begin));
    const auto first = spans_.begin() + static_cast<ptrdiff_t>(begin);
    return SourceMap(std::vector<ByteSpan>(first, first + static_cast<ptrdiff_t>(size)));
  }

 private:
  std::vector<ByteSpan> spans_;
  uint32_t base_ = 0;
  bool mapped_ = false;
};

bool is_ascii(std::string_view text);
/// Strict: no surrogates, no overlong forms, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view text);
/// Invalid sequences replaced by U+FFFD, one per maximal subpart (Unicode 15, 3.9, U+FFFD
/// Substitution of Maximal Subparts). When `spans` is given it gets the source of every byte.
std::string replace_invalid_utf8(std::string_view text, std::vector<ByteSpan>* spans);

/// Normalization form C of valid UTF-8. `spans`, when given, gets the source range of every byte:
/// a character that changed stands for its whole run of base and marks.
std::string to_nfc(std::string_view text, std::vector<ByteSpan>* spans);

/// Code point at `text[at]` (valid UTF-8) and, in `length`, its bytes.
uint32_t code_point_at(std::string_view text, size_t at, size_t& length);
/// Oniguruma's \w and \s.
bool is_word_character(uint32_t code_point);
bool is_white_space(uint32_t code_point);
/// Bytes of the white space that begins, and that ends, `text`.
size_t leading_space(std::string_view text);
size_t trailing_space(std::string_view text);

}  // namespace molgen3d
