#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "engine/dense_scan.h"
#include "engine/gumbel.h"

namespace molgen3d {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr const char* kNotFinite = "the model gave a logit that is not finite (NaN or infinity)";
constexpr const char* kNotGathered = "a legal token is not among the constraint's reachable ids";
constexpr const char* kNothingLegal = "the constraint allows no token of the vocabulary";

bool legal(const Choices& choices, TokenId id) {
  switch (choices.kind) {
    case Choices::Kind::kForced:
      return id == choices.forced;
    case Choices::Kind::kListed:
      return std::binary_search(choices.listed.begin(), choices.listed.end(), id);
    case Choices::Kind::kBlocked:
      return !choices.mask->contains(id);
    case Choices::Kind::kAllowed:
      return choices.mask->contains(id);
    case Choices::Kind::kAny:
      break;
  }
  return true;
}

/// The best column so far of a draw.
struct Best {
  double score = -std::numeric_limits<double>::infinity();
  size_t column = 0;
  void offer(double candidate, size_t at) {
    if (candidate > score || (candidate == score && at < column)) {
      score = candidate;
      column = at;
    }
  }
};

/// The smallest bits whose variate can be `needed`: gumbel(bits) >= t needs 1 - u <= e^-t. The
/// slack only lets more columns through to the exact comparison.
uint32_t lowest_useful_bits(double needed) {
  if (needed <= 0) return 0;
  const double room = std::exp(-needed) * 0x1p32 * (1 + 1e-9) + 1;
  return room >= 0x1p32 ? 0 : 0xFFFFFFFFU - static_cast<uint32_t>(room);
}

/// What the best score so far leaves to a logit of `top`: less noise than this cannot win. The
/// slack covers rounding.
double needed_noise(double best, double top) {
  return best - top - 1e-9 * (1 + std::abs(best) + std::abs(top));
}

/// The best of `count` listed columns, without the scores of those that cannot win. Tokenizers with
/// numbers of three digits list some 1,100 tokens in a step.
size_t draw_listed(const float* logits, const TokenId* ids, size_t count, size_t favourite,
                   double scale, uint64_t key, uint32_t position) {
  constexpr size_t kBlock = 32;  // columns that share a bound
  Best best;
  best.offer(noisy_score(logits[favourite], scale,
                         noise_bits(key, position, static_cast<uint32_t>(ids[favourite]))),
             favourite);
  PhiloxBlock noise{};  // of the four tokens around the last one
  uint32_t noise_of = ~0U;
  for (size_t block = 0; block < count; block += kBlock) {
    const size_t end = std::min(block + kBlock, count);
    const double top = static_cast<double>(dense::maximum(logits + block, end - block)) * scale;
    const double needed = needed_noise(best.score, top);
    if (!(needed <= kMaxGumbel)) continue;
    const uint32_t lowest = lowest_useful_bits(needed);
    for (size_t i = block; i < end; ++i) {
      const uint32_t id = static_cast<uint32_t>(ids[i]);
      if (id / 4 != noise_of) {
        noise_of = id / 4;
        noise = philox(key, noise_of, position);
      }
      const uint32_t bits = noise.word[id % 4];
      if (bits >= lowest) best.offer(noisy_score(logits[i], scale, bits), i);
    }
  }
  return best.column;
}

/// The same over every column of the vocabulary.
size_t draw_dense(const float* logits, size_t count, size_t favourite, double scale, uint64_t key,
                  uint32_t position) {
  constexpr size_t kBlock = dense::kNoiseTokens;
  uint32_t bits[kBlock];
  Best best;
  best.offer(noisy_score(logits[favourite], scale,
                         noise_bits(key, position, static_cast<uint32_t>(favourite))),
             favourite);
  for (size_t block = 0; block < count; block += kBlock) {
    const size_t end = std::min(block + kBlock, count);
    const double top = static_cast<double>(dense::maximum(logits + block, end - block)) * scale;
    const double needed = needed_noise(best.score, top);
    if (!(needed <= kMaxGumbel)) continue;
    const uint32_t lowest = lowest_useful_bits(needed);
    if (!dense::noise_of_tokens(key, position, static_cast<uint32_t>(block), lowest, bits))
      continue;
    for (size_t i = block; i < end; ++i) {
      if (bits[i - block] < lowest) continue;
      best.offer(noisy_score(logits[i], scale, bits[i - block]), i);
    }
  }
  return best.column;
}

/// Sum of e^((logit - top) scale).
double mass_of(const float* logits, size_t count, bool dense_row, float top, double scale) {
  if (dense_row) return dense::sum_of_exponentials(logits, count, top, static_cast<float>(scale));
  double total = 0;
  for (size_t i = 0; i < count; ++i)
    total += std::exp((static_cast<double>(logits[i]) - static_cast<double>(top)) * scale);
  return total;
}

}  // namespace

void check_sampling(const SamplingParams& params) {
  if (!params.greedy && !(params.temperature > 0 && std::isfinite(params.temperature))) {
    throw Error::format("temperature {}: must be a positive number (or decode greedily)",
                        params.temperature);
  }
  if (params.top_k < 0) throw Error::format("top-k {}: must not be negative", params.top_k);
  if (!(params.top_p > 0 && params.top_p <= 1)) {
    throw Error::format("top-p {}: must be above 0 and at most 1", params.top_p);
  }
  if (!(params.min_p >= 0 && params.min_p <= 1)) {
    throw Error::format("min-p {}: must be from 0 to 1", params.min_p);
  }
}

double inverse_temperature(const SamplingParams& params) {
  return params.greedy ? 1.0 : 1.0 / static_cast<double>(params.temperature);
}

double least_log_share(const SamplingParams& params) {
  return std::log(static_cast<double>(params.min_p));
}

Sampler::Sampler(size_t vocabulary) : masked_(vocabulary) {
  candidates_.reserve(vocabulary);
  kept_logits_.reserve(vocabulary);
  kept_ids_.reserve(vocabulary);
}

const char* Sampler::select_legal(const LogitRow& row, const Choices& choices, Columns& columns) {
  if (choices.kind == Choices::Kind::kListed) {
    kept_logits_.clear();
    kept_ids_.clear();
    auto from = row.ids.begin();
    for (const TokenId id : choices.listed) {
      size_t column = static_cast<size_t>(id);
      if (!row.ids.empty()) {
        // Mostly the next one: reachable ids are those of few states.
        if (from != row.ids.end() && *from < id) ++from;
        if (from != row.ids.end() && *from < id) from = std::lower_bound(from, row.ids.end(), id);
        if (from == row.ids.end() || *from != id) return kNotGathered;
        column = static_cast<size_t>(from - row.ids.begin());
      } else if (column >= row.logits.size()) {
        return kNotGathered;
      }
      kept_logits_.push_back(row.logits[column]);
      kept_ids_.push_back(id);
    }
    columns = {kept_logits_.data(), kept_ids_.data(), kept_ids_.size()};
  } else if (!row.ids.empty()) {
    // A mask that allows lies within reachable(); one that blocks needs the whole vocabulary.
    if (choices.kind != Choices::Kind::kAllowed) return kNotGathered;
    kept_logits_.clear();
    kept_ids_.clear();
    for (size_t column = 0; column < row.ids.size(); ++column) {
      if (!choices.mask->contains(row.ids[column])) continue;
      kept_logits_.push_back(row.logits[column]);
      kept_ids_.push_back(row.ids[column]);
    }
    columns = {kept_logits_.data(), kept_ids_.data(), kept_ids_.size()};
  } else if (choices.kind == Choices::Kind::kAny) {
    columns = {row.logits.data(), nullptr, row.logits.size()};
  } else {
    bool any = false;
    for (size_t i = 0; i < row.logits.size(); ++i) {
      const bool in = legal(choices, static_cast<TokenId>(i));
      if (in && !std::isfinite(row.logits[i])) return kNotFinite;
      masked_[i] = in ? row.logits[i] : kNever;
      any |= in;
    }
    columns = {masked_.data(), nullptr, row.logits.size()};
    return any ? nullptr : kNothingLegal;
  }
  if (columns.count == 0) return kNothingLegal;
  return dense::all_finite(columns.logits, columns.count) ? nullptr : kNotFinite;
}

Sampler::Columns Sampler::keep_most_probable(const Columns& all, const SamplingParams& params,
                                             float top, double total) {
  const double scale = inverse_temperature(params);
  const size_t most = params.top_k > 0 ? static_cast<size_t>(params.top_k) : all.count;
  const auto share = [&](float logit) {
    return std::exp((static_cast<double>(logit) - static_cast<double>(top)) * scale);
  };
  // Sorting the whole vocabulary would dominate: look at the tokens within e^-depth of the
  // favourite first. They are the head of the sorted list, so the answer is exact once it ends
  // inside them.
  for (const double depth : {6.0, 12.0, std::numeric_limits<double>::infinity()}) {
    const double lowest = static_cast<double>(top) - depth / scale;
    candidates_.clear();
    for (size_t i = 0; i < all.count; ++i) {
      if (all.logits[i] != kNever && static_cast<double>(all.logits[i]) >= lowest) {
        candidates_.push_back(
            {all.logits[i], all.ids != nullptr ? all.ids[i] : static_cast<TokenId>(i)});
      }
    }
    const bool complete = std::isinf(depth);
    if (!complete && params.top_k > 0 && candidates_.size() < most &&
        candidates_.size() < all.count)
      continue;
    const size_t head = std::min(most, candidates_.size());
    const auto more_probable = [](const Candidate& a, const Candidate& b) {
      return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
    };
    std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(head),
                      candidates_.end(), more_probable);
    size_t keep = head;
    if (params.top_p < 1) {
      double mass = params.top_k > 0 ? 0 : total;
      if (params.top_k > 0) {
        for (size_t i = 0; i < head; ++i) mass += share(candidates_[i].logit);
      }
      const double wanted = static_cast<double>(params.top_p) * mass;
      double sum = 0;
      keep = 0;
      while (keep < head && sum < wanted) sum += share(candidates_[keep++].logit);
      if (!complete && sum < wanted && params.top_k == 0) continue;
    }
    candidates_.resize(keep);
    break;
  }
  return kept_candidates();
}

/// The columns that min-p leaves, in their order; the favourite is always among them.
Sampler::Columns Sampler::keep_at_least(const Columns& all, const SamplingParams& params,
                                        float top) {
  const double scale = inverse_temperature(params), least = least_log_share(params);
  candidates_.clear();
  for (size_t i = 0; i < all.count; ++i) {
    const float logit = all.logits[i];
    if ((static_cast<double>(logit) - static_cast<double>(top)) * scale < least) continue;
    candidates_.push_back({logit, all.ids != nullptr ? all.ids[i] : static_cast<TokenId>(i)});
  }
  return kept_candidates();
}

Sampler::Columns Sampler::kept_candidates() {
  kept_logits_.clear();
  kept_ids_.clear();
  for (const Candidate& candidate : candidates_) {
    kept_logits_.push_back(candidate.logit);
    kept_ids_.push_back(candidate.id);
  }
  return {kept_logits_.data(), kept_ids_.data(), kept_ids_.size()};
}

/// Of the listed columns those in `allowed`, a sorted subset.
Sampler::Columns Sampler::keep_allowed(std::span<const TokenId> allowed) {
  size_t kept = 0;
  for (size_t i = 0; i < kept_ids_.size() && kept < allowed.size(); ++i) {
    if (kept_ids_[i] != allowed[kept]) continue;
    kept_logits_[kept] = kept_logits_[i];
    kept_ids_[kept] = kept_ids_[i];
    ++kept;
  }
  kept_logits_.resize(kept);
  kept_ids_.resize(kept);
  return {kept_logits_.data(), kept_ids_.data(), kept};
}

Draw Sampler::draw(const LogitRow& row, const Choices& choices, const SamplingParams& params,
                   uint64_t key, uint32_t position, std::span<const TokenId> allowed,
                   std::span<float> shares) {
  Draw draw;
  if (choices.kind == Choices::Kind::kForced) {
    draw.token = choices.forced;
    return draw;
  }
  Columns columns;
  draw.error = select_legal(row, choices, columns);
  if (draw.error != nullptr) return draw;

  const double scale = inverse_temperature(params);
  float top = dense::maximum(columns.logits, columns.count);
  double total = mass_of(columns.logits, columns.count, columns.ids == nullptr, top, scale);
  const double legal_mass = static_cast<double>(top) * scale + std::log(total);
  for (size_t i = 0; i < shares.size(); ++i) {
    shares[i] =
        std::exp((columns.logits[i] - top) * static_cast<float>(scale)) / static_cast<float>(total);
  }
  if (!allowed.empty()) {
    columns = keep_allowed(allowed);
    top = dense::maximum(columns.logits, columns.count);
    total = mass_of(columns.logits, columns.count, false, top, scale);
    draw.log_kept = std::min(0.0, static_cast<double>(top) * scale + std::log(total) - legal_mass);
  }
  const size_t favourite = static_cast<size_t>(
      std::find(columns.logits, columns.logits + columns.count, top) - columns.logits);

  size_t chosen = favourite;
  if (!params.greedy) {
    if (params.top_k > 0 || params.top_p < 1) {
      columns = keep_most_probable(columns, params, top, total);  // most probable first
      chosen = 0;
    }
    if (params.min_p > 0) {
      columns = keep_at_least(columns, params, top);
      chosen = static_cast<size_t>(std::find(columns.logits, columns.logits + columns.count, top) -
                                   columns.logits);
    }
    chosen =
        columns.ids != nullptr
            ? draw_listed(columns.logits, columns.ids, columns.count, chosen, scale, key, position)
            : draw_dense(columns.logits, columns.count, chosen, scale, key, position);
  }
  draw.token = columns.ids != nullptr ? columns.ids[chosen] : static_cast<TokenId>(chosen);
  draw.log_probability =
      (static_cast<double>(columns.logits[chosen]) - static_cast<double>(top)) * scale -
      std::log(total) + draw.log_kept;
  return draw;
}

Sampler::Audit Sampler::audit(std::span<const float> logits, const Choices& choices,
                              const SamplingParams& params, TokenId token) {
  Audit audit;
  if (!dense::all_finite(logits.data(), logits.size())) {
    audit.error = kNotFinite;
    return audit;
  }
  const double scale = inverse_temperature(params);
  const auto favourite = std::max_element(logits.begin(), logits.end());
  const double top = static_cast<double>(*favourite);
  double whole = 0, kept = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double share = std::exp((static_cast<double>(logits[i]) - top) * scale);
    whole += share;
    if (legal(choices, static_cast<TokenId>(i))) kept += share;
  }
  const double taken = (static_cast<double>(logits[static_cast<size_t>(token)]) - top) * scale;
  audit.raw_log_probability = taken - std::log(whole);
  // A forced token may be so improbable that its share underflows: its logit does not.
  audit.log_kept_mass = choices.kind == Choices::Kind::kForced || kept == 0
                            ? audit.raw_log_probability
                            : std::min(0.0, std::log(kept / whole));
  audit.favourite = static_cast<TokenId>(favourite - logits.begin());
  audit.favourite_log_probability = -std::log(whole);
  return audit;
}

}  // namespace molgen3d
