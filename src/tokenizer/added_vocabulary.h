// Tokens that are cut out of the text before anything else, as Hugging Face `tokenizers` does it
// (AddedVocabulary): leftmost-longest, first those matched in the raw text, then those matched in
// the normalized text.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

struct AddedTokenRule {
  TokenId id = 0;
  std::string content;
  bool special = false;
  bool normalized = false;   ///< matched after normalization
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< and after it
};

/// Part of a text: a token, or (id < 0) text between tokens.
struct TextSection {
  ByteSpan range;
  TokenId id = -1;
};

/// Finds the longest of several strings at a place.
class PrefixTree {
 public:
  void insert(std::string_view text, uint32_t value);
  bool empty() const { return nodes_.size() == 1; }
  bool may_begin_with(char c) const { return first_[static_cast<unsigned char>(c)]; }
  /// Bytes of the longest string that stands at text[at]; 0 for none. `value` gets its value.
  size_t longest(std::string_view text, size_t at, uint32_t& value) const;

 private:
  struct Node {
    std::vector<std::pair<unsigned char, uint32_t>> children;
    int64_t value = -1;
  };
  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<bool> first_ = std::vector<bool>(256, false);
};

class AddedVocabulary {
 public:
  AddedVocabulary() = default;
  /// `normalize` is what the tokenizer does to text. Rules must be consistent (unique ids,
  /// contents).
  AddedVocabulary(std::vector<AddedTokenRule> rules,
                  const std::function<std::string(std::string_view)>& normalize);

  /// Sections of valid UTF-8 `text`, without gaps; `sections` is overwritten.
  void split(std::string_view text, bool normalized, std::vector<TextSection>& sections) const;

  const std::vector<AddedTokenRule>& rules() const { return rules_; }
  const AddedTokenRule* find(TokenId id) const;
  const AddedTokenRule* find(std::string_view content) const;

 private:
  std::vector<AddedTokenRule> rules_;  // in order of id
  std::unordered_map<TokenId, uint32_t> by_id_;
  PrefixTree raw_;
  PrefixTree normalized_;
};

}  // namespace molgen3d
