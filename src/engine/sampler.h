// Draws one token from a row of logits: constraint, temperature, top-k, top-p, min-p, then
// Gumbel-max with counter-based noise (engine/gumbel.h), so that a draw is a pure function of its
// arguments.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "constraint/constraint.h"
#include "engine/request.h"

namespace molgen3d {

/// One row of output(): a logit for each of `ids` (sorted), or for the whole vocabulary when empty.
struct LogitRow {
  std::span<const float> logits;
  std::span<const TokenId> ids;
};

struct Draw {
  TokenId token = -1;
  /// log of the token's share of the legal mass at the temperature, before top-k, top-p and min-p
  /// (nats).
  double log_probability = 0;
  double log_kept = 0;          ///< log of the share of that mass on the tokens allowed (nats)
  const char* error = nullptr;  ///< why there is no token; static text
};

/// Throws Error naming the parameter that is out of range.
void check_sampling(const SamplingParams& params);

/// Greedy decoding uses temperature 1 in log-probabilities.
double inverse_temperature(const SamplingParams& params);
/// (logit - favourite's) x inverse_temperature must not be below it; -infinity when min-p is off.
double least_log_share(const SamplingParams& params);

class Sampler {
 public:
  /// All scratch space is taken here: draw() does not allocate.
  explicit Sampler(size_t vocabulary);

  /// The token of generated position `position` under noise key `key` (engine/noise.h). A
  /// non-finite logit of a legal token is an error. Ties go to the lowest id; of equal logits at
  /// the border of top-k or top-p the lowest ids stay. Dense choices (kBlocked, kAllowed, kAny)
  /// need a full row.
  /// `allowed`, when not empty: the only ones of listed choices that may be drawn, sorted.
  /// `shares`, when not empty: of listed choices, receives the share of each of the legal mass.
  Draw draw(const LogitRow& row, const Choices& choices, const SamplingParams& params, uint64_t key,
            uint32_t position, std::span<const TokenId> allowed = {}, std::span<float> shares = {});

  /// What a full row says of `token`, sampled or forced, under the model's own law.
  struct Audit {
    double raw_log_probability = 0;
    double log_kept_mass = 0;  ///< log of the legal tokens' share of the whole mass, <= 0
    TokenId favourite = -1;    ///< lowest id of the largest logit
    double favourite_log_probability = 0;
    const char* error = nullptr;
  };
  static Audit audit(std::span<const float> logits, const Choices& choices,
                     const SamplingParams& params, TokenId token);

 private:
  /// The legal columns: `ids` null means column = id. Illegal columns hold -infinity.
  struct Columns {
    const float* logits = nullptr;
    const TokenId* ids = nullptr;
    size_t count = 0;
  };
  const char* select_legal(const LogitRow& row, const Choices& choices, Columns& columns);
  Columns keep_allowed(std::span<const TokenId> allowed);
  Columns keep_most_probable(const Columns& all, const SamplingParams& params, float top,
                             double total);
  Columns keep_at_least(const Columns& all, const SamplingParams& params, float top);
  Columns kept_candidates();

  std::vector<float> masked_;
  struct Candidate {
    float logit;
    TokenId id;
  };
  std::vector<Candidate> candidates_;
  std::vector<float> kept_logits_;
  std::vector<TokenId> kept_ids_;
};

}  // namespace molgen3d
