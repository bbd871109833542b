#include "constraint/digit_runs.h"

#include <map>
#include <unordered_map>

#include "base/error.h"
#include "constraint/literal_cutter.h"
#include "text/number_grammar.h"

namespace molgen3d {

namespace {

/// Collects token strings, then minimises.
class RunTrie {
 public:
  void insert(std::span<const TokenId> tokens, RunEnd end) {
    uint32_t node = 0;
    for (TokenId token : tokens) {
      auto [it, added] = nodes_[node].children.try_emplace(token, nodes_.size());
      const uint32_t child = it->second;
      if (added) nodes_.emplace_back();
      node = child;
    }
    nodes_[node].end = end;
  }

  RunAutomaton minimised() const {
    // A child has a larger number than its parent, so one backward sweep meets children first.
    RunAutomaton result;
    std::vector<uint32_t> merged(nodes_.size());
    std::unordered_multimap<uint64_t, uint32_t> known;
    for (size_t i = nodes_.size(); i-- > 0;) {
      RunAutomaton::Node node;
      node.end = nodes_[i].end;
      uint64_t hash = static_cast<uint64_t>(node.end) + 0x9E3779B97F4A7C15ULL;
      for (const auto& [token, child] : nodes_[i].children) {
        node.edges.push_back({token, merged[child]});
        hash = (hash ^ static_cast<uint64_t>(token)) * 0x9E3779B97F4A7C15ULL;
        hash = (hash ^ merged[child]) * 0xC2B2AE3D27D4EB4FULL;
        hash ^= hash >> 29;
      }
      uint32_t id = static_cast<uint32_t>(result.nodes.size());
      const auto [first, last] = known.equal_range(hash);
      for (auto it = first; it != last; ++it) {
        if (result.nodes[it->second] == node) id = it->second;
      }
      if (id == result.nodes.size()) {
        result.nodes.push_back(std::move(node));
        known.emplace(hash, id);
      }
      merged[i] = id;
    }
    result.root = merged[0];
    return result;
  }

 private:
  struct Node {
    std::map<TokenId, uint32_t> children;
    RunEnd end = RunEnd::kNone;
  };
  std::vector<Node> nodes_ = std::vector<Node>(1);
};

/// Calls `visit(text)` for every string of exactly `length` digits.
template <typename Visit>
void for_each_run(int length, Visit visit) {
  std::string text(static_cast<size_t>(length), '0');
  for (;;) {
    visit(text);
    size_t i = text.size();
    while (i > 0 && text[i - 1] == '9') text[--i] = '0';
    if (i == 0) return;
    ++text[i - 1];
  }
}

}  // namespace

DigitRuns enumerate_digit_runs(const Tokenizer& tokenizer, const NumberFormat& format) {
  RunTrie integer, negative_integer, decimals, nonzero_decimals;
  for (int length = 1; length <= format.max_integer_digits; ++length) {
    for_each_run(length, [&](const std::string& text) {
      if (!read_number(text, format)) return;
      const std::vector<TokenId> tokens = encode_exactly(tokenizer, text);
      integer.insert(tokens, RunEnd::kPlain);
      negative_integer.insert(tokens, text == "0" ? RunEnd::kZero : RunEnd::kPlain);
    });
  }
  for (int length = 1; length <= format.decimals; ++length) {
    for_each_run(length, [&](const std::string& text) {
      if (!is_coordinate("0." + text, format)) return;
      const std::vector<TokenId> tokens = encode_exactly(tokenizer, text);
      decimals.insert(tokens, RunEnd::kPlain);
      if (is_coordinate("-0." + text, format)) nonzero_decimals.insert(tokens, RunEnd::kPlain);
    });
  }
  return {integer.minimised(), negative_integer.minimised(), decimals.minimised(),
          nonzero_decimals.minimised()};
}

}  // namespace molgen3d
