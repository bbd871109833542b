// What tokens say of coordinates, as one word each, so that host and device read them alike.
#pragma once

#include <cstdint>
#include <vector>

#include "base/host_device.h"
#include "text/number_format.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d::geometry {

/// The characters that matter, four bits each. Digits stand for themselves.
enum Character : int { kDot = 10, kComma = 11, kMinus = 12, kOpen = 13, kClose = 14 };

/// A token's characters that matter, in order: their number in the lowest four bits, then four bits
/// each. What a longer token has beyond fifteen is cut off: no number is that long.
using TokenText = uint64_t;
inline constexpr int kTokenCharacters = 15;
MOLGEN3D_HOST_DEVICE constexpr int text_length(TokenText text) {
  return static_cast<int>(text & 15);
}
MOLGEN3D_HOST_DEVICE constexpr int character(TokenText text, int index) {
  return static_cast<int>(text >> (4 + 4 * index) & 15);
}

/// The number grammar as far as prefixes depend on it, and how signs are written.
struct NumberText {
  int32_t decimals = 4;
  int32_t max_integer_digits = 3;
  /// Tokens `,` and `,-`, where each is one token; else -1: reflections are not to be had.
  TokenId comma = -1, comma_minus = -1;
  /// A number whose `,` (`<`) came without `-` is not negative, since `,-` (`<-`) is one token.
  int32_t comma_decides_sign = 0, open_decides_sign = 0;
};

/// The texts of a tokenizer's tokens; immutable, shared by all molecules.
struct TokenTexts {
  std::vector<TokenText> of_token;  ///< [vocabulary]; special tokens say nothing
  NumberText numbers;
};
TokenTexts token_texts(const Tokenizer& tokenizer, const NumberFormat& format);

}  // namespace molgen3d::geometry
