// Keeps a sequence inside the hard set that cannot be taken back, as in another program's decoding
// loop: every block is drawn under a mask from the start.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "geometry/candidates.h"
#include "geometry/hard_set.h"
#include "geometry/search_state.h"
#include "geometry/token_text.h"

namespace molgen3d::geometry {

class Search;

/// A witness (completion.h) is carried from the first atom on, and numbers are drawn from
/// candidates that can be completed. Masks distort the model's law, and a dead end is possible: the
/// sequence then goes on without the set.
class ForwardSearch {
 public:
  ForwardSearch(std::shared_ptr<const HardSet> set, std::shared_ptr<const TokenTexts> texts);

  /// Takes the next token of the answer.
  void take(TokenId token);
  /// Those of `legal` (what the text's grammar admits) that may follow; all of them after a dead
  /// end, and where nothing is masked. Never empty when `legal` is not.
  std::vector<TokenId> allowed(std::span<const TokenId> legal);
  /// Place in the text, from 0, of the atom from which on nothing is enforced; -1: none.
  int dead_end() const { return dead_end_; }

 private:
  Search search();
  void make_mask();
  bool completes(const Position& place);
  bool decides(TokenId token, Position& place) const;

  std::shared_ptr<const HardSet> set_;
  std::shared_ptr<const TokenTexts> texts_;
  SearchPolicy policy_;
  SearchState state_;
  std::vector<Position> at_, witness_, trial_;
  std::vector<Mark> marks_;
  std::vector<int32_t> z_separator_, projection_;
  std::vector<uint32_t> feasible_;
  int dead_end_ = -1;
};

}  // namespace molgen3d::geometry
