// What each token of an answer is for: the positions by which uncertainty is told apart.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

enum class TokenRole : uint8_t {
  kLiteral,   ///< known text without a bracket of a block: atoms, bonds, rings, tags
  kOpen,      ///< known text that ends in `<`
  kSign,      ///< `-` (or a comma with the sign behind it)
  kInteger,   ///< digits before the dot
  kDot,       ///< the dot
  kDecimal1,  ///< first decimal; a token of several digits counts by its first
  kDecimal2,
  kDecimal3,
  kDecimal4,   ///< fourth and later decimals
  kSeparator,  ///< comma between numbers
  kClose,      ///< known text that begins with `>`
  kOther,      ///< inside a block, but no part of a number
  kEnd,        ///< end of sequence
};
inline constexpr size_t kTokenRoles = static_cast<size_t>(TokenRole::kEnd) + 1;
const char* token_role_name(TokenRole role);

struct PlacedToken {
  TokenRole role = TokenRole::kLiteral;
  uint32_t block = 0;  ///< coordinate blocks opened before this token
  uint32_t begin = 0;  ///< bytes before it in the answer
};

/// One entry per token of an answer (from its first generated token).
std::vector<PlacedToken> place_tokens(const Tokenizer& tokenizer,
                                      const std::vector<TokenId>& tokens,
                                      const std::vector<TokenId>& end_of_sequence);

}  // namespace molgen3d
