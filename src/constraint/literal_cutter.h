// Canonical tokens of a literal in place: between a digit and what the next hole may begin with.
#pragma once

#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// Tokens of one literal. Before a digit it is written `common` + `before_digit`, before a minus
/// sign `common` + `before_minus` (the sign included in the latter).
struct CutLiteral {
  std::vector<TokenId> common;
  std::vector<TokenId> before_digit;  ///< often empty
  std::vector<TokenId> before_minus;
};

enum class LiteralPlace : uint8_t { kFirst, kMiddle, kLast };

/// Needs canonical_obstacle() == "". kLast: only `common` is set. Throws Error when `literal`
/// cannot stand in a template or the tokenizer cannot write it.
CutLiteral cut_literal(const Tokenizer& tokenizer, std::string_view literal, LiteralPlace place);

/// Tokens of `text`, which join to it; throws Error when they do not.
std::vector<TokenId> encode_exactly(const Tokenizer& tokenizer, std::string_view text);

}  // namespace molgen3d
