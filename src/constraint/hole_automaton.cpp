#include "constraint/hole_automaton.h"

#include <algorithm>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr uint32_t kLeave = HoleTables::kLeaveHole;

uint64_t context_key(uint32_t tail, TokenId exit) {
  return static_cast<uint64_t>(tail) << 32 | static_cast<uint32_t>(exit);
}

/// Tokens of a separator in place, between two digits of numbers.
std::vector<TokenId> separator(const Tokenizer& tokenizer, const char* text) {
  std::vector<TokenId> ids = encode_exactly(tokenizer, std::string("0") + text + "0");
  if (ids.size() < 3 || tokenizer.token_bytes(ids.front()) != "0" ||
      tokenizer.token_bytes(ids.back()) != "0") {
    throw Error::format("tokenizer {} joins {} with a digit", tokenizer.name(), in_quotes(text));
  }
  return {ids.begin() + 1, ids.end() - 1};
}

}  // namespace

HoleAutomaton::HoleAutomaton(const Tokenizer& tokenizer, const NumberFormat& format)
    : runs_(enumerate_digit_runs(tokenizer, format)),
      integer_may_end_(format.zeros != NumberFormat::Zeros::kFixed),
      dot_(separator(tokenizer, ".")),
      comma_(separator(tokenizer, ",")),
      comma_minus_(separator(tokenizer, ",-")),
      tables_(std::make_shared<HoleTables>()) {
  tables_->row_begin.push_back(0);
}

uint32_t HoleAutomaton::state(const Row& row) {
  uint64_t hash = row.size();
  for (const Edge& edge : row) {
    hash = (hash ^ static_cast<uint32_t>(edge.token)) * 0x9E3779B97F4A7C15ULL;
    hash = (hash ^ edge.next) * 0xC2B2AE3D27D4EB4FULL;
    hash ^= hash >> 31;
  }
  const auto [first, last] = known_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    const uint32_t begin = tables_->row_begin[it->second];
    if (tables_->row_begin[it->second + 1] - begin != row.size()) continue;
    bool same = true;
    for (size_t i = 0; same && i < row.size(); ++i) {
      same = Edge{tables_->edge_token[begin + i], tables_->edge_next[begin + i]} == row[i];
    }
    if (same) return it->second;
  }
  if (shared_) {
    tables_ = std::make_shared<HoleTables>(*tables_);
    shared_ = false;
  }
  const auto id = static_cast<uint32_t>(tables_->row_begin.size() - 1);
  uint32_t least = UINT32_MAX, most = 0;
  for (const Edge& edge : row) {
    tables_->edge_token.push_back(edge.token);
    tables_->edge_next.push_back(edge.next);
    least = std::min(least, edge.next == kLeave ? 1 : 1 + min_tokens_[edge.next]);
    most = std::max(most, edge.next == kLeave ? 1 : 1 + max_tokens_[edge.next]);
  }
  tables_->row_begin.push_back(static_cast<uint32_t>(tables_->edge_token.size()));
  min_tokens_.push_back(least);
  max_tokens_.push_back(most);
  known_.emplace(hash, id);
  return id;
}

HoleAutomaton::Row HoleAutomaton::choose(std::span<const Alternative> alternatives) {
  // The alternatives differ as texts but may begin with the same tokens (`,` and `,` `-` where no
  // token `,-` exists): those that do go on together.
  Row row;
  std::map<TokenId, std::vector<Alternative>> by_first;
  for (const Alternative& a : alternatives) {
    if (a.tokens.empty()) {
      row.insert(row.end(), a.then->begin(), a.then->end());
    } else {
      by_first[a.tokens[0]].push_back({a.tokens.subspan(1), a.then});
    }
  }
  for (const auto& [token, rest] : by_first) row.push_back({token, state(choose(rest))});
  std::sort(row.begin(), row.end(), [](Edge a, Edge b) { return a.token < b.token; });
  for (size_t i = 1; i < row.size(); ++i) {
    if (row[i].token == row[i - 1].token) {
      throw Error::format("token {} both continues and ends a coordinate", row[i].token);
    }
  }
  return row;
}

HoleAutomaton::Row HoleAutomaton::run(const RunAutomaton& automaton, const Row& plain,
                                      const Row& zero) {
  std::vector<uint32_t> states(automaton.nodes.size());
  for (uint32_t i = 0;; ++i) {
    const RunAutomaton::Node& node = automaton.nodes[i];
    Row digits;
    for (const auto& edge : node.edges) digits.push_back({edge.token, states[edge.next]});
    std::vector<Alternative> parts = {{{}, &digits}};
    if (node.end != RunEnd::kNone)
      parts.push_back({{}, node.end == RunEnd::kZero ? &zero : &plain});
    Row row = choose(parts);
    if (i == automaton.root) return row;
    states[i] = state(row);
  }
}

HoleAutomaton::Starts HoleAutomaton::number(const Row& after) {
  const Row decimals = run(runs_.decimals, after, {});
  const Row nonzero_decimals = run(runs_.nonzero_decimals, after, {});
  std::vector<Alternative> parts = {{dot_, &decimals}};
  if (integer_may_end_) parts.push_back({{}, &after});
  const Row after_integer = choose(parts);
  // A negative number that is zero so far cannot end, and needs a decimal that is not 0.
  const Row after_negative_zero = choose(std::vector<Alternative>{{dot_, &nonzero_decimals}});
  return {run(runs_.integer, after_integer, {}),
          run(runs_.negative_integer, after_integer, after_negative_zero)};
}

const HoleAutomaton::Starts& HoleAutomaton::triple(TokenId exit) {
  auto it = triples_.find(exit);
  if (it != triples_.end()) return it->second;
  Starts starts = number({{exit, kLeave}});
  for (int component = 0; component < 2; ++component) {
    const Row separated = choose(
        std::vector<Alternative>{{comma_, &starts.positive}, {comma_minus_, &starts.negative}});
    starts = number(separated);
  }
  return triples_.emplace(exit, std::move(starts)).first->second;
}

uint32_t HoleAutomaton::tail(const CutLiteral& literal) {
  const Tail tail{literal.before_digit, literal.before_minus};
  const auto it = std::find(tails_.begin(), tails_.end(), tail);
  if (it != tails_.end()) return static_cast<uint32_t>(it - tails_.begin());
  tails_.push_back(tail);
  return static_cast<uint32_t>(tails_.size() - 1);
}

const HoleContext& HoleAutomaton::context(uint32_t tail, TokenId exit) {
  const auto it = contexts_.find(context_key(tail, exit));
  if (it != contexts_.end()) return it->second;
  const Starts& starts = triple(exit);
  const Tail& around = tails_[tail];
  HoleContext context;
  context.entry_state = state(choose(std::vector<Alternative>{
      {around.before_digit, &starts.positive}, {around.before_minus, &starts.negative}}));
  context.min_tokens = min_tokens_[context.entry_state];
  context.max_tokens = max_tokens_[context.entry_state];
  context.reachable = sampled_ids(context.entry_state);
  return contexts_.emplace(context_key(tail, exit), std::move(context)).first->second;
}

const HoleContext* HoleAutomaton::find(uint32_t tail, TokenId exit) const {
  const auto it = contexts_.find(context_key(tail, exit));
  return it == contexts_.end() ? nullptr : &it->second;
}

uint32_t HoleAutomaton::ending(std::span<const TokenId> ids) {
  Row row;
  for (const TokenId id : ids) row.push_back({id, kLeave});
  return state(row);
}

std::shared_ptr<const HoleTables> HoleAutomaton::snapshot() {
  shared_ = true;
  return tables_;
}

std::vector<TokenId> HoleAutomaton::sampled_ids(uint32_t entry) const {
  std::vector<TokenId> ids;
  std::vector<uint32_t> open = {entry};
  std::vector<bool> seen(tables_->row_begin.size() - 1);
  seen[entry] = true;
  while (!open.empty()) {
    const uint32_t row = open.back();
    open.pop_back();
    const uint32_t begin = tables_->row_begin[row], end = tables_->row_begin[row + 1];
    for (uint32_t i = begin; i < end; ++i) {
      if (end - begin > 1) ids.push_back(tables_->edge_token[i]);
      const uint32_t next = tables_->edge_next[i];
      if (next == kLeave || seen[next]) continue;
      seen[next] = true;
      open.push_back(next);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace molgen3d
