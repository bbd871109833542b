// Scans over a whole row of logits (about 150,000), written so that compilers vectorise them
// without relaxed floating-point rules: fixed lanes, integer tests instead of NaN comparisons.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace molgen3d::dense {

inline constexpr size_t kLanes = 16;

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
inline bool all_finite(const float* x, size_t count) {
  uint32_t bad = 0;
  for (size_t i = 0; i < count; ++i) {
    bad |= (std::bit_cast<uint32_t>(x[i]) & 0x7F800000U) == 0x7F800000U ? 1U : 0U;
  }
  return bad == 0;
}

/// Largest of count >= 1 values without NaN.
inline float maximum(const float* x, size_t count) {
  float lane[kLanes];
  std::fill_n(lane, kLanes, x[0]);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
  }
  float top = *std::max_element(lane, lane + kLanes);
  for (; i < count; ++i) top = std::max(top, x[i]);
  return top;
}

/// Sum of exp((x - top) * scale), top >= every x; -infinity adds nothing.
inline double sum_of_exponentials(const float* x, size_t count, float top, float scale) {
  constexpr size_t kBlock =
      1024;  // lanes are float: summed in short blocks to keep their rounding small
  double total = 0;
  size_t i = 0;
  while (i + kLanes <= count) {
    float lane[kLanes] = {};
    const size_t end = std::min(i + kBlock, count);
    for (; i + kLanes <= end; i += kLanes) {
      for (size_t j = 0; j < kLanes; ++j) lane[j] += exp_of_negative((x[i + j] - top) * scale);
    }
    for (const float v : lane) total += static_cast<double>(v);
  }
  for (; i < count; ++i) total += static_cast<double>(exp_of_negative((x[i] - top) * scale));
  return total;
}

/// True when any value is above `threshold`.
inline bool any_above(const float* x, size_t count, float threshold) {
  uint32_t found = 0;
  for (size_t i = 0; i < count; ++i) found |= x[i] > threshold ? 1U : 0U;
  return found != 0;
}

}  // namespace molgen3d::dense
