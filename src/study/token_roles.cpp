#include "study/token_roles.h"

#include <algorithm>
#include <string_view>

namespace molgen3d {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Follows the text byte by byte: inside a block or not, and where in a number.
struct Place {
  bool inside = false;
  int decimals = -1;  // -1: before the dot
  uint32_t blocks = 0;

  void take(char c) {
    if (!inside) {
      if (c == '<') {
        inside = true;
        decimals = -1;
        ++blocks;
      }
      return;
    }
    if (c == '>') {
      inside = false;
    } else if (c == '.') {
      decimals = 0;
    } else if (is_digit(c)) {
      if (decimals >= 0) ++decimals;
    } else {
      decimals = -1;
    }
  }

  TokenRole role(std::string_view bytes) const {
    if (bytes.empty()) return TokenRole::kOther;
    if (!inside) return bytes.ends_with('<') ? TokenRole::kOpen : TokenRole::kLiteral;
    const char first = bytes.front();
    if (first == '>') return TokenRole::kClose;
    if (is_digit(first)) {
      if (decimals < 0) return TokenRole::kInteger;
      return static_cast<TokenRole>(static_cast<int>(TokenRole::kDecimal1) + std::min(decimals, 3));
    }
    if (first == '.') return TokenRole::kDot;
    if (first == ',') return TokenRole::kSeparator;
    if (first == '-') return TokenRole::kSign;
    return TokenRole::kOther;
  }
};

}  // namespace

const char* token_role_name(TokenRole role) {
  static constexpr std::array<const char*, kTokenRoles> kNames = {
      "literal",   "literal before <", "sign",      "integer digit", "dot",     "decimal 1",
      "decimal 2", "decimal 3",        "decimal 4", "separator",     "close >", "other",
      "end"};
  return kNames[static_cast<size_t>(role)];
}

std::vector<PlacedToken> place_tokens(const Tokenizer& tokenizer,
                                      const std::vector<TokenId>& tokens,
                                      const std::vector<TokenId>& end_of_sequence) {
  std::vector<PlacedToken> out(tokens.size());
  Place place;
  uint32_t begin = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view bytes = tokenizer.token_bytes(tokens[i]);
    out[i].block = place.blocks;
    out[i].begin = begin;
    const bool end = i + 1 == tokens.size() &&
                     std::find(end_of_sequence.begin(), end_of_sequence.end(), tokens[i]) !=
                         end_of_sequence.end();
    if (end) {
      out[i].role = TokenRole::kEnd;
      break;
    }
    out[i].role = place.role(bytes);
    for (const char c : bytes) place.take(c);
    begin += static_cast<uint32_t>(bytes.size());
  }
  return out;
}

}  // namespace molgen3d
