#include "engine/dense_scan.h"

#include <algorithm>

// One version per instruction set, chosen when the program starts. Sanitizers instrument the choice
// itself, which runs too early for them.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define MOLGEN3D_VERSIONS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MOLGEN3D_VERSIONS
#endif

namespace molgen3d::dense {
namespace {
constexpr size_t kLanes = 16;
}

MOLGEN3D_VERSIONS
bool all_finite(const float* x, size_t count) {
  uint32_t bad = 0;
  for (size_t i = 0; i < count; ++i) {
    bad |= (std::bit_cast<uint32_t>(x[i]) & 0x7F800000U) == 0x7F800000U ? 1U : 0U;
  }
  return bad == 0;
}

MOLGEN3D_VERSIONS
float maximum(const float* x, size_t count) {
  float lane[kLanes];
  for (float& l : lane) l = x[0];
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
  }
  float top = lane[0];
  for (const float l : lane) top = l > top ? l : top;
  for (; i < count; ++i) top = x[i] > top ? x[i] : top;
  return top;
}

MOLGEN3D_VERSIONS
double sum_of_exponentials(const float* x, size_t count, float top, float scale) {
  constexpr size_t kBlock = 1024;  // lanes are float: short blocks keep their rounding small
  double total = 0;
  size_t i = 0;
  while (i + kLanes <= count) {
    float lane[kLanes] = {};
    const size_t end = i + kBlock < count ? i + kBlock : count;
    for (; i + kLanes <= end; i += kLanes) {
      for (size_t j = 0; j < kLanes; ++j) lane[j] += exp_of_negative((x[i + j] - top) * scale);
    }
    for (const float v : lane) total += static_cast<double>(v);
  }
  for (; i < count; ++i) total += static_cast<double>(exp_of_negative((x[i] - top) * scale));
  return total;
}

// Philox4x32-10 as in engine/noise.h, 16 counters side by side.
MOLGEN3D_VERSIONS
bool noise_of_tokens(uint64_t key, uint32_t position, uint32_t first, uint32_t lowest,
                     uint32_t bits[kNoiseTokens]) {
  constexpr size_t kCounters = kNoiseTokens / 4;
  uint32_t x0[kCounters], x1[kCounters], x2[kCounters], x3[kCounters];
  for (size_t j = 0; j < kCounters; ++j) {
    x0[j] = first / 4 + static_cast<uint32_t>(j);
    x1[j] = position;
    x2[j] = x3[j] = 0;
  }
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (size_t j = 0; j < kCounters; ++j) {
      const uint64_t p0 = static_cast<uint64_t>(0xD2511F53U) * x0[j];
      const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57U) * x2[j];
      x0[j] = static_cast<uint32_t>(p1 >> 32) ^ x1[j] ^ k0;
      x2[j] = static_cast<uint32_t>(p0 >> 32) ^ x3[j] ^ k1;
      x1[j] = static_cast<uint32_t>(p1);
      x3[j] = static_cast<uint32_t>(p0);
    }
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  uint32_t found = 0;
  for (size_t j = 0; j < kCounters; ++j) {
    found |= static_cast<uint32_t>(x0[j] >= lowest) | static_cast<uint32_t>(x1[j] >= lowest) |
             static_cast<uint32_t>(x2[j] >= lowest) | static_cast<uint32_t>(x3[j] >= lowest);
    bits[4 * j] = x0[j];
    bits[4 * j + 1] = x1[j];
    bits[4 * j + 2] = x2[j];
    bits[4 * j + 3] = x3[j];
  }
  return found != 0;
}

}  // namespace molgen3d::dense
