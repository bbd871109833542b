// The exact constraint as flat tables, ready for a CPU step or for upload to a GPU.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "constraint/constraint.h"

namespace molgen3d {

/// Hole automata of one (tokenizer, number format), shared by every molecule: compressed rows of
/// one state graph that holds all contexts. Grows while templates are compiled (new contexts are
/// appended, rows never move in meaning); a TemplateProgram keeps the version it was compiled with.
struct HoleTables {
  /// `edge_next` of an edge whose token is the first of the literal after the hole.
  static constexpr uint32_t kLeaveHole = 0xFFFFFFFFU;

  /// states + 1 entries; edges of state s: [row_begin[s], row_begin[s + 1])
  std::vector<uint32_t> row_begin;
  std::vector<TokenId> edge_token;  ///< sorted within a row
  std::vector<uint32_t> edge_next;  ///< state, or kLeaveHole

  /// Whether `earlier` is a version of the same automaton: its states and edges are the first of
  /// these.
  bool grown_from(const HoleTables& earlier) const;
};

/// Token automaton of one molecule. Segment s = a literal (forced tokens) and then, unless it is
/// the last, a hole. ConstraintState{segment, node}: node < kInHole is the number of tokens of the
/// literal already taken; node >= kInHole is hole state node - kInHole. The state after a literal's
/// last token is the hole's entry state. Taking a kLeaveHole edge gives {segment + 1, 1}: its token
/// is the next literal's first. The last literal ends with end-of-sequence; after it the state is
/// {last, literal_count}. Where several ids may end the answer, they are the choices of a last hole
/// state, and the last segment stands for the one that is taken; none follows a closing tag that is
/// such an id itself. A token that is not among the
/// choices leaves the state as it is.
class TemplateProgram : public Constraint {
 public:
  static constexpr uint32_t kInHole = 0x80000000U;

  struct Segment {
    uint32_t literal_begin;  ///< into literal_tokens
    uint32_t literal_count;  ///< >= 1
    uint32_t entry_state;    ///< hole state entered after the literal; unused in the last segment
  };

  std::vector<TokenId> literal_tokens;
  std::vector<Segment> segments;
  std::shared_ptr<const HoleTables> holes;
  /// By hole: that of the atom before it that it is bonded to, or -1 (text/template.h).
  std::vector<int> bonded_before;
  /// Shared by templates with the same contexts; null stands for none.
  std::shared_ptr<const std::vector<TokenId>> reachable_ids;
  size_t min_token_count = 0;
  size_t max_token_count = 0;

  ConstraintState start() const override { return {}; }
  Choices choices(ConstraintState state) const override;
  ConstraintState advance(ConstraintState state, TokenId token) const override;
  bool finished(ConstraintState state) const override;
  size_t min_tokens() const override { return min_token_count; }
  size_t max_tokens() const override { return max_token_count; }
  std::span<const TokenId> reachable() const override {
    return reachable_ids ? std::span<const TokenId>(*reachable_ids) : std::span<const TokenId>();
  }

 private:
  ConstraintState after_literal_token(uint32_t segment, uint32_t taken) const;
};

/// The study's position rules as a table: what is forced or masked at each generated position.
/// ConstraintState{position, 0}; past the end comes end-of-sequence once.
class PositionProgram : public Constraint {
 public:
  struct Position {
    TokenId forced;  ///< >= 0: COPY. -1: FREE under `mask`
    uint8_t mask;    ///< index into `masks`
  };
  /// The last one is end-of-sequence: forced, or any of several under a mask of their own.
  std::vector<Position> positions;
  std::vector<std::shared_ptr<const TokenMask>> masks;
  bool masks_allow = false;  ///< masks list the allowed ids (allowlist) instead of the blocked ones

  ConstraintState start() const override { return {}; }
  Choices choices(ConstraintState state) const override;
  ConstraintState advance(ConstraintState state, TokenId token) const override;
  bool finished(ConstraintState state) const override { return state.segment >= positions.size(); }
  size_t min_tokens() const override { return positions.size(); }
  size_t max_tokens() const override { return positions.size(); }
  std::span<const TokenId> reachable() const override { return reachable_ids; }
  std::vector<TokenId> reachable_ids;  ///< filled for the allowlist rule only
};

}  // namespace molgen3d
