// Prefix search over a vocabulary's bytes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// Tokens sorted by bytes; a trie node is the range of tokens that share a prefix. Added tokens are
/// left out: they cut a text, they are not spelled.
class TokenTrie {
 public:
  struct Node {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t depth = 0;  ///< bytes in the prefix
    bool empty() const { return begin == end; }
  };
  struct Entry {
    std::string_view bytes;
    TokenId id;
  };

  explicit TokenTrie(const Tokenizer& tokenizer);

  Node root() const { return {0, static_cast<uint32_t>(entries_.size()), 0}; }
  Node child(Node node, uint8_t byte) const;
  /// Tokens that are exactly the node's prefix stand first in its range.
  const Entry& entry(uint32_t index) const { return entries_[index]; }
  size_t longest() const { return longest_; }

 private:
  std::vector<Entry> entries_;
  size_t longest_ = 1;
};

}  // namespace molgen3d
