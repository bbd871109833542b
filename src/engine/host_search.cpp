#include "engine/host_search.h"

#include <algorithm>

#include "geometry/search.h"

namespace molgen3d {

HostSearch::HostSearch(std::shared_ptr<const geometry::Program> program,
                       const geometry::Mark& start)
    : program_(std::move(program)) {
  const auto atoms = static_cast<size_t>(program_->set.view().atoms());
  at_.resize(atoms);
  marks_.resize(atoms + 1);
  witness_.resize(atoms);
  z_separator_.resize(atoms);
  feasible_.resize(geometry::kMaskWords);
  projection_.resize(static_cast<size_t>(geometry::projection_words(program_->set.view().atoms())));
  search().begin(start);
}

geometry::Search HostSearch::search() {
  return {program_->set.view(),
          program_->texts->of_token.data(),
          program_->texts->numbers,
          program_->policy,
          geometry::candidate_directions(),
          state_,
          {at_.data(), witness_.data(), marks_.data(), z_separator_.data(), feasible_.data(),
           projection_.data()}};
}

geometry::Action HostSearch::take(TokenId token, size_t index, const geometry::Mark& after) {
  geometry::Search search = this->search();
  if (!search.read(token, static_cast<int32_t>(index))) return geometry::Action::kKeep;
  return search.settle(search.judge(geometry::Solo{}, geometry::kAllRounds), after);
}

geometry::Action HostSearch::dead_end(const geometry::Mark& now) {
  geometry::Search search = this->search();
  return search.settle(search.judge_dead_end(geometry::Solo{}, geometry::kAllRounds), now);
}

void HostSearch::make_mask() {
  std::fill(feasible_.begin(), feasible_.end(), 0U);
  geometry::Search search = this->search();
  for (int k = 0; k < geometry::candidate_count(search.mask_axis()); ++k) {
    int bins[2];
    search.bins_of(k, bins);
    geometry::set_bins(feasible_.data(), bins);
  }
  search.mask_made();
}

std::span<const TokenId> HostSearch::allowed(std::span<const TokenId> legal) {
  if (search().wants_mask()) make_mask();
  geometry::Search search = this->search();
  allowed_.clear();
  for (const TokenId token : legal) {
    if (search.allows(token)) allowed_.push_back(token);
  }
  if (search.wants_longest()) {
    int longest = 0;
    for (const TokenId token : allowed_) longest = std::max(longest, search.length_of(token));
    std::erase_if(allowed_, [&](TokenId token) { return search.length_of(token) < longest; });
  }
  return allowed_;
}

size_t HostSearch::reflect(std::span<TokenId> tokens) const {
  const geometry::NumberText& numbers = program_->texts->numbers;
  size_t first = tokens.size();
  for (int32_t atom = 0; atom < state_.atom; ++atom) {
    if (at_[static_cast<size_t>(atom)].z == 0) continue;
    const auto index = static_cast<size_t>(z_separator_[static_cast<size_t>(atom)]);
    TokenId& token = tokens[index];
    token = token == numbers.comma ? numbers.comma_minus : numbers.comma;
    first = std::min(first, index);
  }
  return first;
}

}  // namespace molgen3d
