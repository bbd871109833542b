#include "geometry/token_text.h"

#include <optional>
#include <string>
#include <string_view>

namespace molgen3d::geometry {

namespace {

std::optional<int> code_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  switch (c) {
    case '.':
      return kDot;
    case ',':
      return kComma;
    case '-':
      return kMinus;
    case '<':
      return kOpen;
    case '>':
      return kClose;
    default:
      return std::nullopt;
  }
}

TokenText text_of(std::string_view bytes) {
  TokenText text = 0;
  int count = 0;
  for (const char c : bytes) {
    const std::optional<int> code = code_of(c);
    if (!code || count == kTokenCharacters) continue;
    text |= static_cast<TokenText>(*code) << (4 + 4 * count++);
  }
  return text | static_cast<TokenText>(count);
}

}  // namespace

TokenTexts token_texts(const Tokenizer& tokenizer, const NumberFormat& format) {
  TokenTexts out;
  out.numbers.decimals = format.decimals;
  out.numbers.max_integer_digits = format.max_integer_digits;
  out.of_token.resize(tokenizer.vocabulary_size());
  for (size_t id = 0; id < out.of_token.size(); ++id) {
    const auto token = static_cast<TokenId>(id);
    if (!tokenizer.is_special(token)) out.of_token[id] = text_of(tokenizer.token_bytes(token));
  }
  const std::vector<TokenId> plus = tokenizer.encode("1,2"), minus = tokenizer.encode("1,-2");
  const auto is = [&](TokenId id, std::string_view bytes) {
    return tokenizer.token_bytes(id) == bytes;
  };
  if (plus.size() == 3 && minus.size() == 3 && plus[0] == minus[0] && plus[2] == minus[2] &&
      is(plus[1], ",") && is(minus[1], ",-")) {
    out.numbers.comma = plus[1];
    out.numbers.comma_minus = minus[1];
    out.numbers.comma_decides_sign = 1;
  }
  for (const TokenId id : tokenizer.encode("]<-1")) {
    const std::string_view bytes = tokenizer.token_bytes(id);
    if (bytes.find("<-") != std::string_view::npos) out.numbers.open_decides_sign = 1;
  }
  return out;
}

}  // namespace molgen3d::geometry
