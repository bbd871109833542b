#include "constraint/byte_level.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <vector>

#include "base/error.h"
#include "constraint/canonical_proof.h"
#include "constraint/number_bytes.h"
#include "constraint/token_trie.h"
#include "text/number_grammar.h"

namespace molgen3d {

namespace {

constexpr uint32_t kInHole = 0x80000000U;

/// One symbol of a literal: a byte (below 256), a whole token (256 + id) or any end-of-sequence id.
using Unit = int32_t;
constexpr Unit kTokenUnit = 256;
constexpr Unit kEndUnit = std::numeric_limits<Unit>::max();

struct Row {
  std::vector<TokenId> tokens;        ///< sorted
  std::vector<ConstraintState> next;  ///< segment counted from the row's own
};

/// Slots that are filled once, by whichever thread comes first.
class RowCache {
 public:
  explicit RowCache(size_t slots) : slots_(slots) {}
  ~RowCache() {
    for (auto& slot : slots_) delete slot.load();
  }
  const Row* get(size_t slot) const { return slots_[slot].load(std::memory_order_acquire); }
  const Row* put(size_t slot, std::unique_ptr<const Row> row) const {
    const Row* expected = nullptr;
    if (slots_[slot].compare_exchange_strong(expected, row.get())) return row.release();
    return expected;
  }

 private:
  mutable std::vector<std::atomic<const Row*>> slots_;
};

}  // namespace

struct ByteLevelCompiler::Shared {
  Shared(std::shared_ptr<const Tokenizer> t, const NumberFormat& format, EndOfSequence ends)
      : tokenizer(std::move(t)),
        end_of_sequence(std::move(ends)),
        trie(*tokenizer),
        triple(triple_bytes(format)),
        interior(triple.states.size()) {
    for (size_t byte = 0; byte < spelled.size(); ++byte) {
      const TokenTrie::Node node = trie.child(trie.root(), static_cast<uint8_t>(byte));
      spelled[byte] = !node.empty() && trie.entry(node.begin).bytes.size() == 1;
    }
    for (char byte : kTripleAlphabet) require_spelled(byte);
  }

  void require_spelled(char byte) const {
    if (!spelled[static_cast<uint8_t>(byte)]) {
      throw Error::format("tokenizer {} has no token for the single character {}",
                          tokenizer->name(), in_quotes(std::string_view(&byte, 1)));
    }
  }

  std::shared_ptr<const Tokenizer> tokenizer;
  EndOfSequence end_of_sequence;
  TokenTrie trie;
  TripleBytes triple;
  RowCache interior;  ///< by triple state: rows none of whose tokens leaves the hole
  std::array<bool, 256> spelled{};
};

namespace {

class ByteLevelProgram : public Constraint {
 public:
  using Shared = ByteLevelCompiler::Shared;

  ByteLevelProgram(std::shared_ptr<const Shared> shared, std::vector<std::vector<Unit>> literals)
      : shared_(std::move(shared)), literals_(std::move(literals)), rows_(count_slots()) {
    count_tokens();
    collect_reachable();
  }

  ConstraintState start() const override { return {}; }

  Choices choices(ConstraintState state) const override {
    Choices result;
    const Row& allowed = row(state);
    if (allowed.tokens.size() == 1) {
      result.kind = Choices::Kind::kForced;
      result.forced = allowed.tokens[0];
    } else {
      result.kind = Choices::Kind::kListed;
      result.listed = allowed.tokens;
    }
    return result;
  }

  ConstraintState advance(ConstraintState state, TokenId token) const override {
    const Row& allowed = row(state);
    const auto it = std::lower_bound(allowed.tokens.begin(), allowed.tokens.end(), token);
    if (it == allowed.tokens.end() || *it != token) return state;
    const ConstraintState next = allowed.next[static_cast<size_t>(it - allowed.tokens.begin())];
    return {state.segment + next.segment, next.node};
  }

  bool finished(ConstraintState state) const override {
    return state.segment + 1 == literals_.size() && state.node == literals_.back().size();
  }
  size_t min_tokens() const override { return min_tokens_; }
  size_t max_tokens() const override { return max_tokens_; }
  std::span<const TokenId> reachable() const override { return reachable_; }

 private:
  size_t count_slots() {
    size_t slots = 0;
    for (const auto& units : literals_) {
      first_slot_.push_back(slots);
      slots += units.size() + shared_->triple.states.size();
    }
    return slots;
  }

  void count_tokens() {
    const size_t holes = literals_.size() - 1;
    size_t whole = 0, bytes = 0;
    for (const auto& units : literals_) {
      for (Unit unit : units) ++(unit >= kTokenUnit ? whole : bytes);
    }
    const size_t least_bytes = bytes + holes * shared_->triple.shortest;
    min_tokens_ = whole + (least_bytes + shared_->trie.longest() - 1) / shared_->trie.longest();
    max_tokens_ = whole + bytes + holes * shared_->triple.longest;
  }

  /// Every token spelled with the template's bytes.
  void collect_reachable() {
    std::array<bool, 256> used{};
    for (char byte : kTripleAlphabet) used[static_cast<uint8_t>(byte)] = true;
    for (const auto& units : literals_) {
      for (Unit unit : units) {
        if (unit < kTokenUnit) used[static_cast<size_t>(unit)] = true;
      }
    }
    std::vector<TokenTrie::Node> open = {shared_->trie.root()};
    while (!open.empty()) {
      const TokenTrie::Node node = open.back();
      open.pop_back();
      for (size_t byte = 0; byte < used.size(); ++byte) {
        if (!used[byte]) continue;
        const TokenTrie::Node child = shared_->trie.child(node, static_cast<uint8_t>(byte));
        if (child.empty()) continue;
        open.push_back(child);
        for_each_token(child, [&](TokenId id) { reachable_.push_back(id); });
      }
    }
    const auto& ends = shared_->end_of_sequence;
    if (!ends.single()) {
      reachable_.insert(reachable_.end(), ends.ids().begin(), ends.ids().end());
    }
    std::sort(reachable_.begin(), reachable_.end());
    reachable_.erase(std::unique(reachable_.begin(), reachable_.end()), reachable_.end());
  }

  template <typename Visit>
  void for_each_token(TokenTrie::Node node, Visit visit) const {
    for (uint32_t i = node.begin; i < node.end; ++i) {
      const TokenTrie::Entry& entry = shared_->trie.entry(i);
      if (entry.bytes.size() != node.depth) return;
      visit(entry.id);
    }
  }

  /// The state after `taken` units of a literal.
  ConstraintState in_literal(uint32_t segment, uint32_t taken) const {
    if (taken < literals_[segment].size() || segment + 1 == literals_.size()) {
      return {segment, taken};
    }
    return {segment, kInHole};
  }

  /// Calls visit(byte, state) for each byte that may come next.
  template <typename Visit>
  void for_each_byte(ConstraintState at, Visit visit) const {
    if (at.node < kInHole) {
      if (at.node >= literals_[at.segment].size()) return;
      const Unit unit = literals_[at.segment][at.node];
      if (unit < kTokenUnit) visit(static_cast<uint8_t>(unit), in_literal(at.segment, at.node + 1));
      return;
    }
    const TripleBytes::State& state = shared_->triple.states[at.node - kInHole];
    for (const TripleBytes::Edge& edge : state.edges) {
      visit(edge.byte, ConstraintState{at.segment, kInHole + edge.next});
    }
    if (state.may_end) visit('>', in_literal(at.segment + 1, 1));
  }

  struct Found {
    std::vector<std::pair<TokenId, ConstraintState>> tokens;
    bool left_hole = false;
  };

  void walk(ConstraintState at, TokenTrie::Node node, Found& found) const {
    for_each_byte(at, [&](uint8_t byte, ConstraintState next) {
      const TokenTrie::Node child = shared_->trie.child(node, byte);
      if (child.empty()) return;
      found.left_hole |= next.node < kInHole;
      for_each_token(child, [&](TokenId id) { found.tokens.emplace_back(id, next); });
      walk(next, child, found);
    });
  }

  const Row& row(ConstraintState state) const {
    const size_t units = literals_[state.segment].size();
    // After the end the last row, end-of-sequence, is shown again.
    if (state.node < kInHole && state.node >= units) state.node = static_cast<uint32_t>(units - 1);
    const bool in_hole = state.node >= kInHole;
    if (in_hole) {
      if (const Row* row = shared_->interior.get(state.node - kInHole)) return *row;
    }
    const size_t slot = first_slot_[state.segment] +
                        (in_hole ? units + (state.node - kInHole) : size_t{state.node});
    if (const Row* row = rows_.get(slot)) return *row;

    Found found;
    if (!in_hole && literals_[state.segment][state.node] == kEndUnit) {
      for (const TokenId id : shared_->end_of_sequence.ids()) {
        found.tokens.emplace_back(id, in_literal(state.segment, state.node + 1));
      }
    } else if (!in_hole && literals_[state.segment][state.node] >= kTokenUnit) {
      found.tokens.emplace_back(literals_[state.segment][state.node] - kTokenUnit,
                                in_literal(state.segment, state.node + 1));
    } else {
      walk(state, shared_->trie.root(), found);
    }
    std::sort(found.tokens.begin(), found.tokens.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    auto row = std::make_unique<Row>();
    for (const auto& [token, next] : found.tokens) {
      row->tokens.push_back(token);
      row->next.push_back({next.segment - state.segment, next.node});
    }
    // Whether a token can leave the hole depends on `>` alone, which begins every next literal.
    if (in_hole && !found.left_hole) {
      return *shared_->interior.put(state.node - kInHole, std::move(row));
    }
    return *rows_.put(slot, std::move(row));
  }

  std::shared_ptr<const Shared> shared_;
  std::vector<std::vector<Unit>> literals_;
  std::vector<size_t> first_slot_;
  RowCache rows_;
  std::vector<TokenId> reachable_;
  size_t min_tokens_ = 0;
  size_t max_tokens_ = 0;
};

}  // namespace

ByteLevelCompiler::ByteLevelCompiler(std::shared_ptr<const Tokenizer> tokenizer,
                                     const NumberFormat& format, EndOfSequence end_of_sequence)
    : shared_(std::make_shared<const Shared>(std::move(tokenizer), format,
                                             std::move(end_of_sequence))) {}

ByteLevelCompiler::~ByteLevelCompiler() = default;

std::shared_ptr<const Constraint> ByteLevelCompiler::compile(
    std::span<const std::string> literals) const {
  std::vector<std::vector<Unit>> units;
  for (size_t i = 0; i < literals.size(); ++i) {
    const std::string& text = literals[i];
    if (const std::string cause = literal_obstacle(text); !cause.empty()) {
      throw Error::format("template literal {}: {}", in_quotes(text), cause);
    }
    if (text.empty() || (i > 0 && text[0] != '>')) {
      throw Error::format("template literal {}: after a coordinate it begins with >",
                          in_quotes(text));
    }
    std::vector<Unit> literal;
    size_t at = 0;
    const auto spell = [&](size_t end) {
      for (; at < end; ++at) {
        shared_->require_spelled(text[at]);
        literal.push_back(static_cast<uint8_t>(text[at]));
      }
    };
    const Encoding encoding = shared_->tokenizer->encode_with_offsets(text);
    for (size_t k = 0; k < encoding.ids.size(); ++k) {
      if (!shared_->tokenizer->is_added(encoding.ids[k])) continue;
      spell(encoding.offsets[k].begin);
      literal.push_back(kTokenUnit + encoding.ids[k]);
      at = encoding.offsets[k].end;
    }
    spell(text.size());
    // Nothing follows a closing tag that is an end-of-sequence id itself.
    const bool ended = !literal.empty() && literal.back() >= kTokenUnit &&
                       shared_->end_of_sequence.contains(literal.back() - kTokenUnit);
    if (i + 1 == literals.size() && !ended) literal.push_back(kEndUnit);
    units.push_back(std::move(literal));
  }
  return std::make_shared<ByteLevelProgram>(shared_, std::move(units));
}

}  // namespace molgen3d
