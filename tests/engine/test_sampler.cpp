#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

#include "base/error.h"
#include "engine/gumbel.h"

namespace molgen3d {
namespace {

std::vector<float> random_logits(uint64_t seed, size_t count, float width) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, width);
  std::vector<float> logits(count);
  for (float& l : logits) l = normal(random);
  return logits;
}

Choices listed(std::span<const TokenId> ids) {
  Choices choices;
  choices.kind = Choices::Kind::kListed;
  choices.listed = ids;
  return choices;
}

/// The law after temperature, top-k and top-p, by its definition: sort, cut, normalise.
std::map<TokenId, double> law(std::span<const float> logits, std::span<const TokenId> legal,
                              const SamplingParams& params) {
  std::vector<TokenId> order(legal.begin(), legal.end());
  const auto logit = [&](TokenId id) { return logits[static_cast<size_t>(id)]; };
  std::sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
    return logit(a) > logit(b) || (logit(a) == logit(b) && a < b);
  });
  if (params.top_k > 0) order.resize(std::min(order.size(), static_cast<size_t>(params.top_k)));
  const auto weight = [&](TokenId id) {
    return std::exp(static_cast<double>(logit(id) - logit(order[0])) / params.temperature);
  };
  double sum = 0;
  for (const TokenId id : order) sum += weight(id);
  std::map<TokenId, double> result;
  double mass = 0;
  for (const TokenId id : order) {
    if (params.top_p < 1 && mass >= static_cast<double>(params.top_p)) break;
    mass += result[id] = weight(id) / sum;
  }
  for (auto& [id, share] : result) share /= mass;
  return result;
}

/// Chi-square of 1e6 draws against `expected`, as a standard normal deviate (Wilson-Hilferty).
double chi_square_deviate(const std::map<TokenId, uint64_t>& seen,
                          const std::map<TokenId, double>& expected, uint64_t draws) {
  double statistic = 0, rare_expected = 0, rare_seen = 0;
  int cells = 0;
  for (const auto& [id, share] : expected) {
    const double mean = share * static_cast<double>(draws);
    const auto found = seen.find(id);
    const double count = found == seen.end() ? 0 : static_cast<double>(found->second);
    if (mean < 10) {  // pooled
      rare_expected += mean;
      rare_seen += count;
      continue;
    }
    statistic += (count - mean) * (count - mean) / mean;
    ++cells;
  }
  if (rare_expected >= 10) {
    statistic += (rare_seen - rare_expected) * (rare_seen - rare_expected) / rare_expected;
    ++cells;
  }
  const double k = cells - 1;
  return (std::cbrt(statistic / k) - (1 - 2 / (9 * k))) / std::sqrt(2 / (9 * k));
}

void expect_law(std::span<const float> logits, const Choices& choices,
                std::span<const TokenId> legal, const SamplingParams& params) {
  constexpr uint32_t kDraws = 1'000'000;
  Sampler sampler(logits.size());
  std::map<TokenId, uint64_t> seen;
  for (uint32_t i = 0; i < kDraws; ++i) {
    const Draw draw = sampler.draw({logits, {}}, choices, params, noise_key(5, i / 1000, 0), i);
    ASSERT_EQ(draw.error, nullptr);
    ++seen[draw.token];
  }
  const auto expected = law(logits, legal, params);
  for (const auto& [id, count] : seen) ASSERT_TRUE(expected.contains(id)) << "token " << id;
  EXPECT_LT(std::abs(chi_square_deviate(seen, expected, kDraws)), 4);
}

TEST(Sampler, ChiSquareOfListedTokens) {
  const auto logits = random_logits(1, 200, 1.5F);
  const std::vector<TokenId> ids = {3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 150, 199};
  expect_law(logits, listed(ids), ids, {.temperature = 0.8F});
}

TEST(Sampler, ChiSquareOfTheWholeVocabulary) {
  const auto logits = random_logits(2, 67, 1.5F);
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  expect_law(logits, {}, ids, {.temperature = 1.3F});
}

TEST(Sampler, ChiSquareOfTopKAndTopP) {
  const auto logits = random_logits(3, 67, 2.0F);
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  expect_law(logits, {}, ids, {.top_k = 9});
  expect_law(logits, {}, ids, {.top_p = 0.9F});
  expect_law(logits, {}, ids, {.temperature = 1.5F, .top_k = 20, .top_p = 0.8F});
}

// The pruned scan finds the same token as the plain definition.
TEST(Sampler, PruningIsExact) {
  for (const float width : {0.1F, 1.0F, 4.0F, 20.0F}) {
    for (const float temperature : {0.05F, 1.0F, 3.0F}) {
      const auto logits = random_logits(4, 5003, width);
      Sampler sampler(logits.size());
      for (uint32_t position = 0; position < 60; ++position) {
        const uint64_t key = noise_key(1, 2, 3);
        double best = -1e300;
        TokenId expected = -1;
        for (size_t i = 0; i < logits.size(); ++i) {
          const double score = noisy_score(logits[i], 1.0 / static_cast<double>(temperature),
                                           noise_bits(key, position, static_cast<uint32_t>(i)));
          if (score > best) {
            best = score;
            expected = static_cast<TokenId>(i);
          }
        }
        const Draw draw =
            sampler.draw({logits, {}}, {}, {.temperature = temperature}, key, position);
        ASSERT_EQ(draw.token, expected) << width << " " << temperature << " " << position;
      }
    }
  }
}

// So does the one over listed tokens, whatever their ids and order of magnitude.
TEST(Sampler, PruningOfListedTokensIsExact) {
  std::mt19937_64 random(17);
  for (const float width : {0.1F, 1.0F, 4.0F, 20.0F}) {
    for (const size_t every : {1U, 3U, 40U, 400U}) {
      const auto logits = random_logits(random(), 1600, width);
      std::vector<TokenId> ids;
      for (size_t id = random() % every; id < logits.size(); id += 1 + random() % every)
        ids.push_back(static_cast<TokenId>(id));
      if (ids.size() < 2) continue;
      Sampler sampler(logits.size());
      for (uint32_t position = 0; position < 60; ++position) {
        const uint64_t key = noise_key(1, 2, 3);
        double best = -1e300;
        TokenId expected = -1;
        for (const TokenId id : ids) {
          const double score = noisy_score(logits[static_cast<size_t>(id)], 1 / 0.8,
                                           noise_bits(key, position, static_cast<uint32_t>(id)));
          if (score > best) {
            best = score;
            expected = id;
          }
        }
        const Draw draw =
            sampler.draw({logits, {}}, listed(ids), {.temperature = 0.8F}, key, position);
        ASSERT_EQ(draw.token, expected) << width << " " << every << " " << position;
      }
    }
  }
}

// Rule "harmless": whenever the free choice is legal, the constrained one is the same.
TEST(Sampler, ConstrainedChoiceIsTheFreeOneWheneverThatIsLegal) {
  std::mt19937_64 random(9);
  int legal_choices = 0;
  for (int round = 0; round < 3000; ++round) {
    const auto logits = random_logits(1000 + static_cast<uint64_t>(round), 257, 2.0F);
    std::vector<TokenId> ids;
    TokenMask blocked(logits.size()), allowed(logits.size());
    for (TokenId id = 0; id < 257; ++id) {
      if (random() % 3 == 0) {
        ids.push_back(id);
        allowed.insert(id);
      } else {
        blocked.insert(id);
      }
    }
    if (ids.size() < 2) continue;
    std::vector<float> gathered;
    for (const TokenId id : ids) gathered.push_back(logits[static_cast<size_t>(id)]);
    Sampler sampler(logits.size());
    const SamplingParams params{.temperature = 0.7F};
    const uint64_t key = noise_key(3, static_cast<uint64_t>(round), 1);
    const uint32_t position = static_cast<uint32_t>(random() % 1000);
    const TokenId free = sampler.draw({logits, {}}, {}, params, key, position).token;
    const Draw constrained = sampler.draw({logits, {}}, listed(ids), params, key, position);
    const Draw by_columns = sampler.draw({gathered, ids}, listed(ids), params, key, position);
    Choices mask;
    mask.kind = Choices::Kind::kBlocked;
    mask.mask = &blocked;
    const Draw by_block = sampler.draw({logits, {}}, mask, params, key, position);
    mask.kind = Choices::Kind::kAllowed;
    mask.mask = &allowed;
    const Draw by_allow = sampler.draw({logits, {}}, mask, params, key, position);
    // Gathered rows hold what any sequence of the batch can reach, not only this one's tokens.
    std::vector<TokenId> reached;
    std::vector<float> reached_logits;
    for (TokenId id = 0; id < 257; ++id) {
      if (!allowed.contains(id) && random() % 2 == 0) continue;
      reached.push_back(id);
      reached_logits.push_back(logits[static_cast<size_t>(id)]);
    }
    const Draw by_reached =
        sampler.draw({reached_logits, reached}, listed(ids), params, key, position);
    const Draw by_reached_allow =
        sampler.draw({reached_logits, reached}, mask, params, key, position);
    ASSERT_TRUE(allowed.contains(constrained.token));
    ASSERT_EQ(by_columns.token, constrained.token);
    ASSERT_EQ(by_columns.log_probability, constrained.log_probability);
    ASSERT_EQ(by_block.token, constrained.token);
    ASSERT_EQ(by_allow.token, constrained.token);
    ASSERT_EQ(by_reached.token, constrained.token);
    ASSERT_EQ(by_reached_allow.error, nullptr);
    ASSERT_EQ(by_reached_allow.token, constrained.token);
    ASSERT_EQ(by_reached_allow.log_probability, constrained.log_probability);
    ASSERT_NEAR(by_block.log_probability, constrained.log_probability, 1e-5);
    if (allowed.contains(free)) {
      ++legal_choices;
      ASSERT_EQ(constrained.token, free);
    }
  }
  EXPECT_GT(legal_choices, 500);
}

// Min-p as transformers has it: tokens below min_p times the favourite's probability go; what
// top-k and top-p have taken away stays away. The draw is Gumbel-max over the rest.
TEST(Sampler, MinPKeepsWhatIsNearTheFavourite) {
  const auto logits = random_logits(21, 900, 3.0F);
  std::vector<TokenId> ids;
  for (TokenId id = 1; id < 900; id += 2) ids.push_back(id);
  Sampler sampler(logits.size());
  for (const float min_p : {0.05F, 0.3F, 1.0F}) {
    for (const int top_k : {0, 12}) {
      for (const float top_p : {1.0F, 0.7F}) {
        for (const bool all : {true, false}) {
          const SamplingParams params{
              .temperature = 1.4F, .top_k = top_k, .top_p = top_p, .min_p = min_p};
          SamplingParams without = params;
          without.min_p = 0;
          const Choices choices = all ? Choices{} : listed(ids);
          const double scale = inverse_temperature(params);
          double top = -1e300;
          for (TokenId id = 0; id < 900; ++id) {
            if (!all && id % 2 == 0) continue;
            top = std::max(top, static_cast<double>(logits[static_cast<size_t>(id)]));
          }
          const auto near = [&](TokenId id) {
            const double gap = static_cast<double>(logits[static_cast<size_t>(id)]) - top;
            return std::exp(gap * scale) >= static_cast<double>(min_p) * (1 - 1e-12);
          };
          int dropped = 0;
          for (uint32_t position = 0; position < 300; ++position) {
            const Draw draw = sampler.draw({logits, {}}, choices, params, 5, position);
            const Draw wider = sampler.draw({logits, {}}, choices, without, 5, position);
            ASSERT_EQ(draw.error, nullptr);
            ASSERT_TRUE(near(draw.token)) << draw.token;
            if (near(wider.token)) {
              ASSERT_EQ(draw.token, wider.token);
              ASSERT_EQ(draw.log_probability, wider.log_probability);
            } else {
              ++dropped;
            }
          }
          if (top_k == 0 && top_p == 1 && min_p > 0.1F) {
            EXPECT_GT(dropped, 50);
          }
        }
      }
    }
  }
}

TEST(Sampler, GreedyTakesTheLowestIdOfEqualLogits) {
  std::vector<float> logits(100, 0.5F);
  logits[40] = logits[60] = 2;
  Sampler sampler(logits.size());
  EXPECT_EQ(sampler.draw({logits, {}}, {}, {.greedy = true}, 1, 0).token, 40);
  const std::vector<TokenId> ids = {3, 7, 60, 61};
  EXPECT_EQ(sampler.draw({logits, {}}, listed(ids), {.greedy = true}, 1, 0).token, 60);
}

TEST(Sampler, LogProbabilitiesAndAudit) {
  const auto logits = random_logits(6, 300, 2.0F);
  const std::vector<TokenId> ids = {4, 9, 77, 120};
  const SamplingParams params{.temperature = 0.6F};
  double whole = 0, kept = 0;
  const auto weight = [&](TokenId id) {
    return std::exp(static_cast<double>(logits[static_cast<size_t>(id)]) / 0.6F);
  };
  for (TokenId id = 0; id < 300; ++id) whole += weight(id);
  for (const TokenId id : ids) kept += weight(id);
  Sampler sampler(logits.size());
  const Draw draw = sampler.draw({logits, {}}, listed(ids), params, 8, 0);
  EXPECT_NEAR(draw.log_probability, std::log(weight(draw.token) / kept), 1e-9);
  const auto audit = Sampler::audit(logits, listed(ids), params, draw.token);
  EXPECT_NEAR(audit.raw_log_probability, std::log(weight(draw.token) / whole), 1e-9);
  EXPECT_NEAR(audit.log_kept_mass, std::log(kept / whole), 1e-9);
  EXPECT_EQ(audit.favourite, std::max_element(logits.begin(), logits.end()) - logits.begin());
  EXPECT_NEAR(audit.favourite_log_probability, std::log(weight(audit.favourite) / whole), 1e-9);
  const Draw free = sampler.draw({logits, {}}, {}, params, 8, 0);
  EXPECT_NEAR(free.log_probability, std::log(weight(free.token) / whole), 1e-5);
}

TEST(Sampler, BadLogitsAreAnErrorOnlyWhereTheyAreLegal) {
  auto logits = random_logits(7, 64, 1.0F);
  logits[30] = NAN;
  Sampler sampler(logits.size());
  const std::vector<TokenId> with = {1, 30, 40}, without = {1, 31, 40};
  EXPECT_NE(sampler.draw({logits, {}}, listed(with), {}, 1, 0).error, nullptr);
  EXPECT_EQ(sampler.draw({logits, {}}, listed(without), {}, 1, 0).error, nullptr);
  EXPECT_NE(sampler.draw({logits, {}}, {}, {}, 1, 0).error, nullptr);
  logits[30] = INFINITY;
  EXPECT_NE(sampler.draw({logits, {}}, {}, {}, 1, 0).error, nullptr);
}

TEST(Sampler, ContractBreaksAreErrors) {
  const auto logits = random_logits(7, 3, 1.0F);
  const std::vector<TokenId> columns = {5, 6, 9}, wanted = {5, 7};
  Sampler sampler(64);
  EXPECT_NE(sampler.draw({logits, columns}, listed(wanted), {}, 1, 0).error, nullptr);
  EXPECT_NE(sampler.draw({logits, columns}, {}, {}, 1, 0).error, nullptr);
  Choices blocked;  // all but some ids: the whole vocabulary is needed
  const TokenMask some(64);
  blocked.kind = Choices::Kind::kBlocked;
  blocked.mask = &some;
  EXPECT_NE(sampler.draw({logits, columns}, blocked, {}, 1, 0).error, nullptr);
  Choices nothing;
  const TokenMask empty(64);
  nothing.kind = Choices::Kind::kAllowed;
  nothing.mask = &empty;
  EXPECT_NE(sampler.draw({random_logits(1, 64, 1), {}}, nothing, {}, 1, 0).error, nullptr);
}

TEST(Sampler, ParametersOutOfRange) {
  EXPECT_THROW(check_sampling({.temperature = 0}), Error);
  EXPECT_THROW(check_sampling({.temperature = NAN}), Error);
  EXPECT_THROW(check_sampling({.top_k = -1}), Error);
  EXPECT_THROW(check_sampling({.top_p = 0}), Error);
  EXPECT_THROW(check_sampling({.min_p = -0.1F}), Error);
  EXPECT_THROW(check_sampling({.min_p = 1.1F}), Error);
  EXPECT_NO_THROW(check_sampling({.min_p = 1}));
  EXPECT_THROW(check_sampling({.top_p = 1.01F}), Error);
  EXPECT_NO_THROW(check_sampling({.greedy = true, .temperature = 0}));
}

}  // namespace
}  // namespace molgen3d
