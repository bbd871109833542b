#include "engine/draft_book.h"

#include <algorithm>
#include <limits>

#include "geometry/token_text.h"

namespace molgen3d {
bool DraftBook::open(const TemplateProgram& program) {
  if (program.holes == nullptr) return false;
  if (program.holes == tables_) return true;
  if (tables_ != nullptr) {
    if (tables_->grown_from(*program.holes)) return true;  // compiled earlier
    if (!program.holes->grown_from(*tables_)) return false;
  }
  tables_ = program.holes;
  share_.resize(tables_->edge_token.size());
  tried_.resize(tables_->row_begin.size());
  agreed_.resize(tables_->row_begin.size());
  return true;
}

float DraftBook::chance(uint32_t state) const {
  const uint32_t choices = tables_->row_begin[state + 1] - tables_->row_begin[state];
  return choices > kDraftChoices ? 0 : draft_chance(tried_[state], agreed_[state]);
}

TokenId DraftBook::draw(uint32_t state, const SamplingParams& sampling, uint64_t key,
                        uint32_t position, const geometry::ReaderState& reader,
                        const BondLaw& bond) const {
  const uint32_t begin = tables_->row_begin[state], end = tables_->row_begin[state + 1];
  const size_t count = std::min<size_t>(end - begin, kDraftChoices);
  float law[kDraftChoices], weight[kDraftChoices];
  float laws = 0, weights = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto id = static_cast<size_t>(tables_->edge_token[begin + i]);
    law[i] = draft_law(share_[begin + i], static_cast<int>(count));
    weight[i] = bond.known ? bond.weight(reader, texts_->of_token[id], texts_->numbers) : -1.0F;
    if (weight[i] < 0) continue;
    laws += law[i];
    weights += weight[i];
  }
  TokenId best = -1;
  float best_score = -std::numeric_limits<float>::infinity();
  PhiloxBlock noise{};  // of the four tokens around the last one
  uint32_t noise_of = ~0U;
  for (size_t i = 0; i < count; ++i) {
    const auto id = static_cast<uint32_t>(tables_->edge_token[begin + i]);
    if (!sampling.greedy && id / 4 != noise_of) {
      noise_of = id / 4;
      noise = philox(key, noise_of, position);
    }
    const float mine = weight[i] < 0 ? law[i] : draft_law_of_bond(law[i], laws, weight[i], weights);
    const float score = draft_score(mine, sampling.greedy, noise.word[id % 4]);
    if (score <= best_score) continue;
    best_score = score;
    best = static_cast<TokenId>(id);
  }
  return best;
}

void DraftBook::learn(uint32_t state, std::span<const float> shares, TokenId draft,
                      TokenId chosen) {
  const uint32_t begin = tables_->row_begin[state];
  for (size_t i = 0; i < shares.size(); ++i) share_[begin + i] += shares[i];
  if (draft < 0) return;
  ++tried_[state];
  if (draft == chosen) ++agreed_[state];
}

}  // namespace molgen3d
