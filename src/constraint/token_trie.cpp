#include "constraint/token_trie.h"

#include <algorithm>

namespace molgen3d {

TokenTrie::TokenTrie(const Tokenizer& tokenizer) {
  for (size_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
    const auto token = static_cast<TokenId>(id);
    const std::string_view bytes = tokenizer.token_bytes(token);
    if (bytes.empty()) continue;
    entries_.push_back({bytes, token});
    longest_ = std::max(longest_, bytes.size());
  }
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.id < b.id;
  });
}

TokenTrie::Node TokenTrie::child(Node node, uint8_t byte) const {
  const auto at = [&](const Entry& entry) {
    return node.depth < entry.bytes.size()
               ? static_cast<int>(static_cast<uint8_t>(entry.bytes[node.depth]))
               : -1;
  };
  const auto begin = entries_.begin() + node.begin, end = entries_.begin() + node.end;
  const auto first = std::partition_point(begin, end, [&](const Entry& e) { return at(e) < byte; });
  const auto last = std::partition_point(first, end, [&](const Entry& e) { return at(e) == byte; });
  return {static_cast<uint32_t>(first - entries_.begin()),
          static_cast<uint32_t>(last - entries_.begin()), node.depth + 1};
}

}  // namespace molgen3d
