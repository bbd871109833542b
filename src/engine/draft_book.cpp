#include "engine/draft_book.h"

#include <limits>

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
                        uint32_t position) const {
  const uint32_t begin = tables_->row_begin[state], end = tables_->row_begin[state + 1];
  TokenId best = -1;
  float best_score = -std::numeric_limits<float>::infinity();
  PhiloxBlock noise{};  // of the four tokens around the last one
  uint32_t noise_of = ~0U;
  for (uint32_t edge = begin; edge < end; ++edge) {
    const auto id = static_cast<uint32_t>(tables_->edge_token[edge]);
    if (!sampling.greedy && id / 4 != noise_of) {
      noise_of = id / 4;
      noise = philox(key, noise_of, position);
    }
    const float score = draft_score(share_[edge], static_cast<int>(end - begin), sampling.greedy,
                                    noise.word[id % 4]);
    if (score <= best_score) continue;
    best_score = score;
    best = tables_->edge_token[edge];
  }
  return best;
}

void DraftBook::learn(uint32_t state, std::span<const float> shares, TokenId draft,
                      TokenId chosen) {
  const uint32_t begin = tables_->row_begin[state];
  for (size_t i = 0; i < shares.size(); ++i) share_[begin + i] += shares[i];
  ++tried_[state];
  if (draft == chosen) ++agreed_[state];
}

}  // namespace molgen3d
