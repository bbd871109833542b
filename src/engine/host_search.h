// The geometry search of one sequence on the host: its memory, and what the sampler asks of it.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "geometry/program.h"

namespace molgen3d {

namespace geometry {
class Search;
}

class HostSearch {
 public:
  /// `start`: the sequence before its first generated token.
  HostSearch(std::shared_ptr<const geometry::Program> program, const geometry::Mark& start);

  /// Takes a token that stands at `index` of the sequence; `after` is the sequence with it.
  geometry::Action take(TokenId token, size_t index, const geometry::Mark& after);
  geometry::Action dead_end(const geometry::Mark& now);

  bool masked() const { return state_.draws != geometry::Draws::kFree; }
  /// Those of `legal` that a masked block may go on with; valid until the next call.
  std::span<const TokenId> allowed(std::span<const TokenId> legal);
  /// The mask kept exp(log_kept) of the legal tokens' mass.
  void add_log_kept(double log_kept) { state_.log_kept += log_kept; }

  const geometry::SearchState& state() const { return state_; }
  /// The mark to go back to.
  const geometry::Mark& mark() const { return marks_[static_cast<size_t>(state_.atom)]; }
  /// Of an atom that stands.
  const geometry::Position& at(size_t atom) const { return at_[atom]; }
  bool complete() const { return geometry::complete(state_, static_cast<int>(at_.size())); }
  /// All marks: before the first block and after each.
  std::span<const geometry::Mark> marks() const { return marks_; }
  /// After a reflection: exchanges the commas of `tokens` and returns the first index changed.
  size_t reflect(std::span<TokenId> tokens) const;

 private:
  geometry::Search search();
  void make_mask();

  std::shared_ptr<const geometry::Program> program_;
  geometry::SearchState state_;
  std::vector<geometry::Position> at_, witness_;
  std::vector<geometry::Mark> marks_;
  std::vector<int32_t> z_separator_;
  std::vector<uint32_t> feasible_;
  std::vector<int32_t> projection_;
  std::vector<TokenId> allowed_;
};

}  // namespace molgen3d
