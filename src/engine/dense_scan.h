// Scans over a whole row of logits (about 150,000), written so that compilers vectorise them
// without relaxed floating-point rules: fixed lanes, integer tests instead of NaN comparisons.
// Compiled for several instruction sets; all give the same bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace molgen3d::dense {

/// Tokens whose noise is computed together.
inline constexpr size_t kNoiseTokens = 64;

/// e^x of x <= 0; relative error below 3e-7, zero below -87.
/// x = n log 2 + r with |r| <= log(2) / 2; Taylor series of e^r to r^7.
inline float exp_of_negative(float x) {
  const float clamped = x < -87.0F ? -87.0F : x;
  constexpr float kRound = 12582912.0F;  // 1.5 x 2^23: adding it rounds to an integer
  const float shifted = clamped * 1.44269504F + kRound;
  const float n = shifted - kRound;
  const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;  // log 2 in two parts
  float p = 1.0F / 5040;
  p = p * r + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const uint32_t scale = (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kRound) + 127)
                         << 23;
  const float value = p * std::bit_cast<float>(scale);
  return x < -87.0F ? 0.0F : value;
}

/// True when no value is infinite or NaN.
bool all_finite(const float* x, size_t count);

/// Largest of count >= 1 values without NaN.
float maximum(const float* x, size_t count);

/// Sum of exp((x - top) * scale), top >= every x; -infinity adds nothing.
double sum_of_exponentials(const float* x, size_t count, float top, float scale);

/// noise_bits(key, position, first .. first + 63); `first` a multiple of 4. Returns whether any
/// of them is at least `lowest`.
bool noise_of_tokens(uint64_t key, uint32_t position, uint32_t first, uint32_t lowest,
                     uint32_t bits[kNoiseTokens]);

}  // namespace molgen3d::dense
