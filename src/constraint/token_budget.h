// How many tokens a coordinate takes, isolated and in context: the study's tokenization tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// One token of a text and what the study's position rules make of it.
struct TokenUse {
  TokenId id = -1;
  ByteSpan span;      ///< bytes of the text
  bool free = false;  ///< FREE: all its characters lie strictly between `<` and `>`; else COPY
};

/// Tokens of an enriched text (or any other) with their class.
std::vector<TokenUse> list_tokens(const Tokenizer& tokenizer, std::string_view text);
size_t count_free(const std::vector<TokenUse>& tokens);

/// The study's placeholder with four decimals (`generic`, v3.8) and with three (v4.x).
inline constexpr std::string_view kPlaceholder4 = "0.0000,0.0000,0.0000";
inline constexpr std::string_view kPlaceholder3 = "0.000,0.000,0.000";

/// Tokens of one coordinate triple `x,y,z`.
struct TripleCost {
  size_t isolated = 0;  ///< of `<x,y,z>` encoded alone, brackets included, as the study counted
  size_t in_context =
      0;  ///< between the brackets of `[C]<x,y,z>[C]<...`: what a position rule frees
  /// Of the placeholder minus of the triple; the two differ where a sign joins the bracket before
  /// it
  /// (`<-` alone, `]<` `-` in an answer).
  int drift_isolated = 0;
  int drift_in_context = 0;
};

TripleCost triple_cost(const Tokenizer& tokenizer, std::string_view triple,
                       std::string_view placeholder = kPlaceholder4);

}  // namespace molgen3d
