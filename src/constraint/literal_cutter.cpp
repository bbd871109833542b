#include "constraint/literal_cutter.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "constraint/canonical_proof.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

void check_shape(std::string_view literal, LiteralPlace place) {
  std::string cause = literal_obstacle(literal);
  if (place == LiteralPlace::kFirst && !literal.starts_with(kConformerTag)) {
    cause = fmt::format("the first one begins with {}", kConformerTag);
  } else if (place != LiteralPlace::kFirst && !literal.starts_with('>')) {
    cause = "after a coordinate it begins with >";
  } else if (place != LiteralPlace::kLast && !literal.ends_with('<')) {
    cause = "before a coordinate it ends with <";
  } else if (place == LiteralPlace::kLast && !literal.ends_with(kConformerEndTag)) {
    cause = fmt::format("the last one ends with {}", kConformerEndTag);
  }
  if (!cause.empty()) throw Error::format("template literal {}: {}", in_quotes(literal), cause);
}

/// Tokens of `literal` + `sign` with a digit on each side that belongs to a number.
std::vector<TokenId> in_place(const Tokenizer& tokenizer, std::string_view literal,
                              LiteralPlace place, std::string_view sign) {
  std::string text;
  text.reserve(literal.size() + 4);
  const size_t left = place != LiteralPlace::kFirst;
  const size_t right = place != LiteralPlace::kLast;
  if (left) text += '0';
  text.append(literal).append(sign);
  if (right) text += '0';
  std::vector<TokenId> ids = encode_exactly(tokenizer, text);
  if ((left && tokenizer.token_bytes(ids.front()) != "0") ||
      (right && tokenizer.token_bytes(ids.back()) != "0") || ids.size() <= left + right) {
    throw Error::format("template literal {}: tokenizer {} joins it with a digit",
                        in_quotes(literal), tokenizer.name());
  }
  if (left) ids.erase(ids.begin());
  if (right) ids.pop_back();
  return ids;
}

}  // namespace

std::vector<TokenId> encode_exactly(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<TokenId> ids = tokenizer.encode(text);
  size_t at = 0;
  bool same = true;
  for (TokenId id : ids) {
    const std::string_view bytes = tokenizer.token_bytes(id);
    same = same && text.substr(std::min(at, text.size()), bytes.size()) == bytes;
    at += bytes.size();
  }
  if (!same || at != text.size()) {
    throw Error::format("tokenizer {} cannot write {}", tokenizer.name(), in_quotes(text));
  }
  return ids;
}

CutLiteral cut_literal(const Tokenizer& tokenizer, std::string_view literal, LiteralPlace place) {
  check_shape(literal, place);
  CutLiteral result;
  result.common = in_place(tokenizer, literal, place, "");
  if (place == LiteralPlace::kLast) return result;
  const std::vector<TokenId> minus = in_place(tokenizer, literal, place, "-");
  const auto [digit_end, minus_end] =
      std::mismatch(result.common.begin(), result.common.end(), minus.begin(), minus.end());
  result.before_digit.assign(digit_end, result.common.end());
  result.before_minus.assign(minus_end, minus.end());
  result.common.erase(digit_end, result.common.end());
  return result;
}

}  // namespace molgen3d
