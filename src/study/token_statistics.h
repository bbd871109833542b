// Tokens per coordinate as a run wrote them, and the study's drift of each coordinate.
#pragma once

#include <string_view>
#include <vector>

#include "report/histogram.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d {

struct TokenStatistics {
  Histogram written;           ///< tokens strictly between `<` and `>`, as generated
  Histogram drift_isolated;    ///< of `<0.0000,0.0000,0.0000>` minus of the block encoded alone
  Histogram drift_in_context;  ///< the same between the brackets of an answer

  void add(const TokenStatistics& other);
  /// Adds every closed block of an answer; `text` is its decoded tokens.
  void add(const Tokenizer& tokenizer, const std::vector<TokenId>& tokens, std::string_view text);
};

}  // namespace molgen3d
