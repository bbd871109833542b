// Counter-based sampling noise: Philox4x32-10 (Salmon et al., SC 2011) keyed by (seed, item,
// sample), counted by (position, token). A token's noise does not depend on which other tokens are
// legal, so a free and a constrained run draw the same token whenever the free choice is legal
// (Gumbel-max).
#pragma once

#include <array>
#include <cstdint>

#include "base/host_device.h"
#include "base/mix64.h"

namespace molgen3d {

MOLGEN3D_HOST_DEVICE constexpr uint64_t noise_key(uint64_t seed, uint64_t item, uint32_t sample) {
  return mix64(mix64(mix64(seed) ^ item) + sample);
}

/// The key of what is drawn after tokens were thrown away for the `attempt`-th time; attempt 0
/// keeps the sample's own.
MOLGEN3D_HOST_DEVICE constexpr uint64_t attempt_key(uint64_t key, uint32_t attempt) {
  return attempt == 0 ? key : mix64(key + 0xA24BAED4963EE407ULL * attempt);
}

struct PhiloxBlock {
  uint32_t word[4];
};

/// Philox4x32-10 of counter (c0, c1, 0, 0) under `key`.
MOLGEN3D_HOST_DEVICE constexpr PhiloxBlock philox(uint64_t key, uint32_t c0, uint32_t c1) {
  uint32_t x0 = c0, x1 = c1, x2 = 0, x3 = 0;
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(0xD2511F53U) * x0;
    const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57U) * x2;
    const uint32_t y0 = static_cast<uint32_t>(p1 >> 32) ^ x1 ^ k0;
    const uint32_t y2 = static_cast<uint32_t>(p0 >> 32) ^ x3 ^ k1;
    x1 = static_cast<uint32_t>(p1);
    x3 = static_cast<uint32_t>(p0);
    x0 = y0;
    x2 = y2;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return {{x0, x1, x2, x3}};
}

/// The 32 random bits of one token at one generated position: word token % 4 of block (token / 4,
/// position).
MOLGEN3D_HOST_DEVICE constexpr uint32_t noise_bits(uint64_t key, uint32_t position,
                                                   uint32_t token) {
  return philox(key, token >> 2, position).word[token & 3];
}

}  // namespace molgen3d
