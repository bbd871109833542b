// The drafts of the host backends: what was learnt, and the drafts of one sequence.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "constraint/template_program.h"
#include "engine/draft_law.h"

namespace molgen3d {

/// What a backend has learnt of the draws at each state of its hole automaton. Tables of that
/// automaton only grow (HoleTables), so the numbers of states and edges keep their meaning.
class DraftBook {
 public:
  /// `texts`: with it, drafts know where bonded atoms are.
  explicit DraftBook(std::shared_ptr<const geometry::TokenTexts> texts)
      : texts_(std::move(texts)) {}

  /// Whether drafts can be made for `program`: its automaton is that of the first, grown perhaps.
  bool open(const TemplateProgram& program);

  /// Chance that a draft at hole state `state` agrees; 0 where none is made.
  float chance(uint32_t state) const;
  /// The draft of generated position `position` at hole state `state`, where the number is at
  /// `reader` and the atom bonded to another at `bond`.
  TokenId draw(uint32_t state, const SamplingParams& sampling, uint64_t key, uint32_t position,
               const geometry::ReaderState& reader, const BondLaw& bond) const;
  /// Takes in a draw of the model: the shares of the state's legal tokens, and what was chosen.
  /// `draft` -1: there was none.
  void learn(uint32_t state, std::span<const float> shares, TokenId draft, TokenId chosen);

  const HoleTables& tables() const { return *tables_; }
  std::span<const uint32_t> tried() const { return tried_; }
  std::span<const uint32_t> agreed() const { return agreed_; }

 private:
  std::shared_ptr<const geometry::TokenTexts> texts_;
  std::shared_ptr<const HoleTables> tables_;
  std::vector<float> share_;
  std::vector<uint32_t> tried_, agreed_;
};

}  // namespace molgen3d
