// What goes into the engine and what comes out. Token ids only: the engine sees no molecules.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "constraint/constraint.h"
#include "geometry/outcome.h"

namespace molgen3d {

namespace geometry {
struct Program;
}

/// Applied in this order: constraint, temperature, top-k, top-p, min-p (as Hugging Face's warpers).
struct SamplingParams {
  bool greedy = false;
  float temperature = 1.0F;
  int top_k = 0;       ///< 0: off
  float top_p = 1.0F;  ///< 1: off
  float min_p = 0.0F;  ///< least share of the favourite's probability; 0: off
};

/// One prompt, `samples` answers. Results depend only on (weights, prompt, constraint, sampling,
/// seed, item, sample): not on threads, batch size, order of submission or neighbours.
struct Request {
  uint64_t item = 0;          ///< names the prompt in the noise; equal items draw equal noise
  uint32_t first_sample = 0;  ///< samples first_sample .. first_sample + samples - 1
  uint32_t samples = 1;
  std::vector<TokenId> prompt;
  std::shared_ptr<const Constraint> constraint;  ///< null: free decoding
  /// What the coordinates must satisfy; null: nothing. Needs a constraint that is exact.
  std::shared_ptr<const geometry::Program> geometry;
  uint32_t max_new_tokens = 0;  ///< 0: the constraint's bound, or what the context leaves
  uint64_t tag = 0;             ///< handed back untouched
  /// Of this request alone; nothing: the engine's. Parameters out of range fail its samples.
  std::optional<SamplingParams> sampling{};
  std::optional<uint64_t> seed{};
};

enum class FinishReason : uint8_t {
  kEndOfSequence,
  kLength,  ///< max_new_tokens or the context was reached
  kFailed,  ///< `error` says why (NaN logits, no memory for it, ...); other sequences go on
  kCancelled,
};

/// One finished sample.
struct Completion {
  uint64_t tag = 0;
  uint32_t sample = 0;
  FinishReason reason = FinishReason::kEndOfSequence;
  std::string error;
  std::vector<TokenId> tokens;  ///< generated, end-of-sequence included when reached
  uint32_t sampled_tokens = 0;  ///< chosen among two or more legal ones
  uint32_t forced_tokens = 0;
  uint32_t passes = 0;  ///< passes through the model after the prompt
  double masked_log_probability =
      0;  ///< under the law that was sampled from, before top-k/top-p (nats)
  geometry::Outcome geometry;
  /// Audit mode only (full output matrix for every token, forced ones too), else NaN / empty. After
  /// a reflection: of the text before it.
  double raw_log_probability = 0;  ///< under the model's own law at the same temperature
  double log_kept_mass = 0;        ///< log W = sum of log Z_t, Z_t = probability of the legal set
  struct AuditedToken {
    float raw_log_probability;
    float kept_mass;    ///< Z_t
    TokenId favourite;  ///< the model's argmax
    float favourite_log_probability;
  };
  std::vector<AuditedToken> audit;
  /// With a geometry that is satisfied: for each atom, the log of the share of the legal mass that
  /// its masks kept (nats); 0 where the block was drawn freely.
  std::vector<double> log_kept_by_atom;
};

}  // namespace molgen3d
