#include "study/token_statistics.h"

#include "constraint/token_budget.h"
#include "study/block_statistics.h"
#include "text/enriched_text.h"

namespace molgen3d {

void TokenStatistics::add(const TokenStatistics& other) {
  written.add(other.written);
  drift_isolated.add(other.drift_isolated);
  drift_in_context.add(other.drift_in_context);
}

void TokenStatistics::add(const Tokenizer& tokenizer, const std::vector<TokenId>& tokens,
                          std::string_view text) {
  bool inside = false;
  int count = 0;
  size_t seen = 0;
  for (const TokenId token : tokens) {
    if (seen >= text.size()) break;  // `<|endoftext|>` is no part of the text
    const std::string_view bytes = tokenizer.token_bytes(token);
    seen += bytes.size();
    const bool whole = inside && bytes.find('>') == std::string_view::npos;
    count += whole;
    for (const char c : bytes) {
      if (c == '<' && !inside) {
        inside = true;
        count = 0;
      } else if (c == '>' && inside) {
        written.add(count);
        inside = false;
      }
    }
  }
  for_each_block(text, [&](std::string_view block) {
    const TripleCost cost = triple_cost(tokenizer, block);
    drift_isolated.add(cost.drift_isolated);
    drift_in_context.add(cost.drift_in_context);
  });
}

}  // namespace molgen3d
