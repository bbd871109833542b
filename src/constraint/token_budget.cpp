#include "constraint/token_budget.h"

#include <algorithm>

namespace molgen3d {

std::vector<TokenUse> list_tokens(const Tokenizer& tokenizer, std::string_view text) {
  // outside[i]: how many of the first i bytes do not lie strictly between brackets.
  std::vector<uint32_t> outside(text.size() + 1);
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '>') inside = false;
    outside[i + 1] = outside[i] + !inside;
    if (text[i] == '<') inside = true;
  }
  const Encoding encoding = tokenizer.encode_with_offsets(text);
  std::vector<TokenUse> tokens(encoding.ids.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const ByteSpan span = encoding.offsets[i];
    tokens[i] = {encoding.ids[i], span,
                 span.begin < span.end && outside[span.begin] == outside[span.end]};
  }
  return tokens;
}

size_t count_free(const std::vector<TokenUse>& tokens) {
  return static_cast<size_t>(
      std::count_if(tokens.begin(), tokens.end(), [](const TokenUse& t) { return t.free; }));
}

TripleCost triple_cost(const Tokenizer& tokenizer, std::string_view triple,
                       std::string_view placeholder) {
  const auto isolated = [&](std::string_view text) {
    return tokenizer.encode(std::string("<").append(text).append(">")).size();
  };
  const auto in_context = [&](std::string_view text) {
    return count_free(list_tokens(tokenizer, std::string("[C]<").append(text).append(">[C]")));
  };
  TripleCost cost;
  cost.isolated = isolated(triple);
  cost.in_context = in_context(triple);
  cost.drift_isolated = static_cast<int>(isolated(placeholder)) - static_cast<int>(cost.isolated);
  cost.drift_in_context =
      static_cast<int>(in_context(placeholder)) - static_cast<int>(cost.in_context);
  return cost;
}

}  // namespace molgen3d
