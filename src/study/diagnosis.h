// Where a rule and a model disagree: forced tokens against the model's favourites, and what the
// disagreement does to the geometry.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "study/sample_check.h"
#include "study/token_roles.h"

namespace molgen3d {

/// Sums over audited tokens (nats).
struct TokenDiagnosis {
  size_t tokens = 0;
  size_t favourite = 0;     ///< the token taken was the model's favourite
  double taken = 0;         ///< sum of ln p(token)
  double favourite_ln = 0;  ///< sum of ln p(favourite)
  double removed = 0;       ///< sum of -ln Z
  void add(const Completion::AuditedToken& token, bool is_favourite);
  void add(const TokenDiagnosis& other);
};

/// One text in place of which the model would rather have written another.
struct Disagreement {
  std::string taken, favourite;  ///< bytes of the tokens
  size_t count = 0;
  double gap = 0;  ///< sum of ln p(favourite) - ln p(taken)
};

/// One sample: how much was removed, and how wrong its bonds are.
struct DiagnosedSample {
  double removed = 0;      ///< -ln W of the answer
  double per_token = 0;    ///< mean -ln p(token)
  double bond_error = -1;  ///< mean, Angstrom; -1: not compared
};

struct Diagnosis {
  static constexpr uint32_t kBinTokens = RemovedMass::kBinTokens;
  size_t samples = 0;
  std::array<TokenDiagnosis, kTokenRoles> by_role;
  std::vector<TokenDiagnosis> by_position;
  std::vector<Disagreement> disagreements;  ///< largest total gap first
  std::vector<DiagnosedSample> per_sample;
  /// Per coordinate block: nats removed while it was written and by the token that closed it, and
  /// the mean error of the bonds of its atom.
  std::vector<std::pair<double, double>> per_block;
};

/// Adds one audited sample.
class Diagnoser {
 public:
  explicit Diagnoser(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  void add(const Completion& completion, const SampleCheck& check);
  Diagnosis take(size_t max_disagreements);

 private:
  const Tokenizer& tokenizer_;
  Diagnosis sum_;
  std::vector<Disagreement> pairs_;
};

/// Spearman's rank correlation of pairs (ties share their mean rank); NaN for fewer than three, or
/// when one side is constant.
double rank_correlation(const std::vector<std::pair<double, double>>& pairs);

}  // namespace molgen3d
