// Builds and shares hole automata: one hash-consed state graph for all contexts of a tokenizer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "constraint/digit_runs.h"
#include "constraint/literal_cutter.h"
#include "constraint/template_program.h"

namespace molgen3d {

/// What surrounds a hole, as far as its tokens depend on it.
struct HoleContext {
  uint32_t entry_state = 0;
  uint32_t min_tokens = 0;  ///< to leave it, the next literal's first token included
  uint32_t max_tokens = 0;
  std::vector<TokenId> reachable;  ///< ids chosen among two or more, sorted
};

/// Not thread-safe: its owner locks. Equal rows are one state whatever hole they come from, so that
/// a second context shares all it can with the first; every state can leave its hole. Contexts are
/// never dropped: there are as many as entries times tokens that can follow a hole, some dozens.
class HoleAutomaton {
 public:
  HoleAutomaton(const Tokenizer& tokenizer, const NumberFormat& format);

  /// Number of the pair (before_digit, before_minus) among all seen; new pairs are added.
  uint32_t tail(const CutLiteral& literal);
  size_t tail_count() const { return tails_.size(); }

  /// The context of a hole entered through `tail` whose next literal begins with `exit`. Built at
  /// first use.
  const HoleContext& context(uint32_t tail, TokenId exit);
  /// The same, or null when it was not built yet.
  const HoleContext* find(uint32_t tail, TokenId exit) const;
  size_t context_count() const { return contexts_.size(); }

  /// The state that offers each of `ids` (sorted) as the only token of the next segment.
  uint32_t ending(std::span<const TokenId> ids);

  /// Tables with every context built so far.
  std::shared_ptr<const HoleTables> snapshot();

 private:
  struct Edge {
    TokenId token;
    uint32_t next;
    bool operator==(const Edge&) const = default;
  };
  using Row = std::vector<Edge>;
  struct Alternative {
    std::span<const TokenId> tokens;
    const Row* then;
  };
  struct Tail {
    std::vector<TokenId> before_digit;
    std::vector<TokenId> before_minus;
    bool operator==(const Tail&) const = default;
  };
  /// A number's first row, after the sign.
  struct Starts {
    Row positive;
    Row negative;
  };

  uint32_t state(const Row& row);
  Row choose(std::span<const Alternative> alternatives);
  Row run(const RunAutomaton& automaton, const Row& plain, const Row& zero);
  Starts number(const Row& after);
  const Starts& triple(TokenId exit);
  std::vector<TokenId> sampled_ids(uint32_t entry) const;

  DigitRuns runs_;
  bool integer_may_end_;  ///< a number without decimals is in the grammar
  std::vector<TokenId> dot_, comma_, comma_minus_;

  std::shared_ptr<HoleTables> tables_;
  bool shared_ = false;  ///< a snapshot is out: copy before the next change
  std::vector<uint32_t> min_tokens_, max_tokens_;  ///< by state, to leave the hole
  std::unordered_multimap<uint64_t, uint32_t> known_;
  std::vector<Tail> tails_;
  std::map<TokenId, Starts> triples_;
  std::unordered_map<uint64_t, HoleContext> contexts_;
};

}  // namespace molgen3d
