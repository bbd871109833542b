// How much probability a constraint takes away, by place in the answer and by role of the token.
#pragma once

#include <array>
#include <vector>

#include "engine/request.h"
#include "study/token_roles.h"

namespace molgen3d {

/// Sums of -ln Z_t, Z_t = the model's probability of the legal tokens at step t (nats).
struct MassSum {
  size_t tokens = 0;
  double removed = 0;     ///< sum of -ln Z_t
  size_t surprising = 0;  ///< tokens with Z_t < 1/2: the model wanted something else
  void add(double kept_mass);
  void add(const MassSum& other);
  double mean() const { return tokens == 0 ? 0 : removed / static_cast<double>(tokens); }
};

struct RemovedMass {
  static constexpr uint32_t kBinTokens = 32;
  size_t samples = 0;
  double log_kept = 0;               ///< sum over samples of log W
  std::vector<MassSum> by_position;  ///< bins of kBinTokens generated tokens
  std::array<MassSum, kTokenRoles> by_role;

  void add(const Completion& completion, const std::vector<PlacedToken>& places);
  void add(const RemovedMass& other);
};

}  // namespace molgen3d
