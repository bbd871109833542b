#include "tokenizer/added_vocabulary.h"

#include <algorithm>

#include "tokenizer/unicode_text.h"

namespace molgen3d {

void PrefixTree::insert(std::string_view text, uint32_t value) {
  if (text.empty()) return;
  uint32_t node = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const auto& children = nodes_[node].children;
    const auto found = std::find_if(children.begin(), children.end(),
                                    [&](const auto& child) { return child.first == byte; });
    if (found != children.end()) {
      node = found->second;
    } else {
      const auto fresh = static_cast<uint32_t>(nodes_.size());
      nodes_[node].children.emplace_back(byte, fresh);
      nodes_.emplace_back();
      node = fresh;
    }
  }
  if (nodes_[node].value < 0) nodes_[node].value = value;
  first_[static_cast<unsigned char>(text[0])] = true;
}

size_t PrefixTree::longest(std::string_view text, size_t at, uint32_t& value) const {
  size_t best = 0;
  uint32_t node = 0;
  for (size_t i = at; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto& children = nodes_[node].children;
    const auto found = std::find_if(children.begin(), children.end(),
                                    [&](const auto& child) { return child.first == byte; });
    if (found == children.end()) break;
    node = found->second;
    if (nodes_[node].value >= 0) {
      best = i + 1 - at;
      value = static_cast<uint32_t>(nodes_[node].value);
    }
  }
  return best;
}

AddedVocabulary::AddedVocabulary(std::vector<AddedTokenRule> rules,
                                 const std::function<std::string(std::string_view)>& normalize)
    : rules_(std::move(rules)) {
  std::sort(rules_.begin(), rules_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (uint32_t i = 0; i < rules_.size(); ++i) {
    const AddedTokenRule& rule = rules_[i];
    by_id_.emplace(rule.id, i);
    if (rule.normalized)
      normalized_.insert(normalize(rule.content), i);
    else
      raw_.insert(rule.content, i);
  }
}

void AddedVocabulary::split(std::string_view text, bool normalized,
                            std::vector<TextSection>& sections) const {
  sections.clear();
  const PrefixTree& tree = normalized ? normalized_ : raw_;
  size_t done = 0;
  const auto push = [&](size_t begin, size_t end, TokenId id) {
    sections.push_back({{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)}, id});
  };
  for (size_t at = 0; !tree.empty() && at < text.size();) {
    uint32_t index = 0;
    const size_t length = tree.may_begin_with(text[at]) ? tree.longest(text, at, index) : 0;
    if (length == 0) {
      ++at;
      continue;
    }
    const AddedTokenRule& rule = rules_[index];
    size_t begin = at;
    size_t end = at + length;
    at = end;
    if (rule.single_word) {
      size_t unused = 0;
      size_t before = begin;
      while (before > 0 && (static_cast<unsigned char>(text[--before]) & 0xC0) == 0x80) {
      }
      const bool word_before = begin > 0 && is_word_character(code_point_at(text, before, unused));
      const bool word_after =
          end < text.size() && is_word_character(code_point_at(text, end, unused));
      if (word_before || word_after) continue;
    }
    if (rule.lstrip) begin = std::max(done, begin - trailing_space(text.substr(0, begin)));
    if (rule.rstrip) end += leading_space(text.substr(end));
    // White space that a token took along may have held the begin of the next match.
    begin = std::max(begin, done);
    end = std::max(end, done);
    if (done < begin) push(done, begin, -1);
    push(begin, end, rule.id);
    done = end;
  }
  if (done < text.size()) push(done, text.size(), -1);
}

const AddedTokenRule* AddedVocabulary::find(TokenId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &rules_[found->second];
}

const AddedTokenRule* AddedVocabulary::find(std::string_view content) const {
  for (const AddedTokenRule& rule : rules_)
    if (rule.content == content) return &rule;
  return nullptr;
}

}  // namespace molgen3d
