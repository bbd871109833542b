#include "geometry/forward_search.h"

#include <algorithm>
#include <limits>

#include "geometry/search.h"

namespace molgen3d::geometry {

namespace {
/// A candidate's own place can be completed; what lies beside it perhaps not.
constexpr int32_t kReachPercent = 10;
/// Candidates of a bin that are tried to be completed.
constexpr int kTriesPerBin = 2;
}  // namespace

ForwardSearch::ForwardSearch(std::shared_ptr<const HardSet> set,
                             std::shared_ptr<const TokenTexts> texts)
    : set_(std::move(set)), texts_(std::move(texts)) {
  const HardSetView view = set_->view();
  const auto atoms = static_cast<size_t>(view.atoms());
  at_.resize(atoms);
  marks_.resize(atoms + 1);
  z_separator_.resize(atoms);
  feasible_.resize(kMaskWords);
  projection_.resize(static_cast<size_t>(projection_words(view.atoms())));
  policy_.free_draws = 0;
  policy_.masked_draws = std::numeric_limits<int32_t>::max();
  if (view.embedding() == nullptr) {
    dead_end_ = 0;
    return;
  }
  witness_.assign(view.embedding(), view.embedding() + atoms);
  trial_ = witness_;
  state_.witness = Witness::kFound;
  search().begin({});
}

Search ForwardSearch::search() {
  Search out(set_->view(), texts_->of_token.data(), texts_->numbers, policy_,
             candidate_directions(), state_,
             {at_.data(), witness_.data(), marks_.data(), z_separator_.data(), feasible_.data(),
              projection_.data()});
  out.set_reach(kReachPercent);
  return out;
}

void ForwardSearch::take(TokenId token) {
  if (dead_end_ >= 0 || state_.atom >= set_->view().atoms()) return;
  Search search = this->search();
  if (!search.read(token, 0)) return;
  const Judgement judgement = search.judge(Solo{}, kAllRounds);
  if (judgement.fault != Fault::kNone) {
    dead_end_ = state_.atom;
    return;
  }
  search.settle(judgement, {});
  // Nothing can be drawn again, so nothing is set; without a parent there is nothing to mask with.
  if (state_.draws != Draws::kMasked) state_.draws = Draws::kFree;
}

bool ForwardSearch::completes(const Position& place) {
  const int atom = state_.atom;
  at_[static_cast<size_t>(atom)] = place;
  Completion<Solo> completion(Solo{}, set_->view(),
                              projection_memory(projection_.data(), set_->view().atoms()),
                              texts_->numbers);
  CompletionProgress progress;
  int rounds = kAllRounds;
  return completion.find(at_.data(), atom + 1, witness_.data(), atom, kFreeStarts, progress, rounds,
                         trial_.data()) == Found::kYes;
}

void ForwardSearch::make_mask() {
  Search search = this->search();
  std::fill(feasible_.begin(), feasible_.end(), 0U);
  const int axis = search.mask_axis();
  const HardSetView view = set_->view();
  const int parent = view.parent(state_.atom);
  const PairLimit bond = unpack(view.pairs(state_.atom)[parent]);
  const Position origin = at_[static_cast<size_t>(parent)];
  std::vector<uint8_t> tried(kBins);
  for (int k = 0; k < candidate_count(axis); ++k) {
    int bins[2];
    search.bins_of(k, bins);
    if (bins[0] < 0 && bins[1] < 0) continue;
    const bool known = std::all_of(bins, bins + 2, [&](int bin) {
      return bin < 0 || (feasible_[static_cast<size_t>(bin / 32)] >> (bin % 32) & 1) != 0;
    });
    uint8_t& tries = tried[static_cast<size_t>(bins[0] >= 0 ? bins[0] : bins[1] - kBins)];
    if (known || tries++ >= kTriesPerBin) continue;
    if (!completes(candidate_place(candidate_directions(), origin, bond, state_.reader, axis, k)))
      continue;
    set_bins(feasible_.data(), bins);
  }
  search.mask_made();
}

/// Whether the position stands once `token` is taken.
bool ForwardSearch::decides(TokenId token, Position& place) const {
  ReaderState next = state_.reader;
  const NumberText& numbers = texts_->numbers;
  const ReadEvents events = read_token(next, texts_->of_token[static_cast<size_t>(token)], numbers);
  return decides_place(next, events, numbers, place);
}

std::vector<TokenId> ForwardSearch::allowed(std::span<const TokenId> legal) {
  std::vector<TokenId> out(legal.begin(), legal.end());
  if (dead_end_ >= 0 || state_.draws == Draws::kFree || legal.size() < 2) return out;
  if (search().wants_mask()) make_mask();
  const Search search = this->search();
  std::erase_if(out, [&](TokenId token) {
    Position place;
    return !search.allows(token) || (decides(token, place) && !completes(place));
  });
  if (!out.empty()) return out;
  dead_end_ = state_.atom;
  return {legal.begin(), legal.end()};
}

}  // namespace molgen3d::geometry
