#include "engine/gumbel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/dense_scan.h"

namespace molgen3d {
namespace {

TEST(Gumbel, LogarithmAgreesWithTheMathLibrary) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> exponent(-40, 4);
  double worst = 0;
  const auto compare = [&](double x) {
    const double expected = std::log(x);
    if (expected != 0) {
      worst = std::max(worst, std::abs(exact_log(x) - expected) / std::abs(expected));
    }
  };
  for (int i = 0; i < 1'000'000; ++i) {
    compare(std::exp(exponent(random)));
    compare(1 - std::exp(exponent(random)) * 1e-3);  // next to 1, where u lives when noise is large
  }
  EXPECT_LT(worst, 2e-15);
  EXPECT_EQ(exact_log(1.0), 0.0);
}

TEST(Gumbel, IsFiniteGrowingAndBounded) {
  EXPECT_NEAR(gumbel(0), -std::log(33 * std::log(2.0)), 1e-12);
  EXPECT_NEAR(gumbel(0xFFFFFFFFU), 33 * std::log(2.0), 1e-9);
  EXPECT_LE(gumbel(0xFFFFFFFFU), kMaxGumbel);
  double before = gumbel(0);
  for (uint64_t bits = 1; bits <= 0xFFFFFFFFULL; bits += 65537) {
    const double here = gumbel(static_cast<uint32_t>(bits));
    ASSERT_GT(here, before);
    before = here;
  }
}

TEST(Gumbel, KnownValues) {
  EXPECT_NEAR(gumbel(0x80000000U), 0.36651292092, 1e-9);
  EXPECT_NEAR(gumbel(1580030168U), 0, 1e-9) << "u = 1/e";
}

TEST(Philox, MatchesThePublishedVectors) {
  // Random123, kat_vectors: philox4x32-10, all zero.
  const PhiloxBlock zero = philox(0, 0, 0);
  EXPECT_EQ(zero.word[0], 0x6627e8d5U);
  EXPECT_EQ(zero.word[1], 0xe169c58dU);
  EXPECT_EQ(zero.word[2], 0xbc57ac4cU);
  EXPECT_EQ(zero.word[3], 0x9b00dbd8U);
}

TEST(DenseScan, NoiseIsThatOfSingleTokens) {
  uint32_t bits[dense::kNoiseTokens];
  const uint64_t key = noise_key(1, 2, 3);
  uint32_t most = 0;
  dense::noise_of_tokens(key, 77, 128, 0, bits);
  for (uint32_t i = 0; i < dense::kNoiseTokens; ++i) {
    ASSERT_EQ(bits[i], noise_bits(key, 77, 128 + i));
    most = std::max(most, bits[i]);
  }
  EXPECT_TRUE(dense::noise_of_tokens(key, 77, 128, most, bits));
  EXPECT_FALSE(dense::noise_of_tokens(key, 77, 128, most + 1, bits));
}

TEST(DenseScan, Exponential) {
  double worst = 0;
  for (float x = 0; x > -86; x -= 0.00137F) {
    const double expected = std::exp(static_cast<double>(x));
    worst = std::max(
        worst, std::abs(static_cast<double>(dense::exp_of_negative(x)) - expected) / expected);
  }
  EXPECT_LT(worst, 3e-7);
  EXPECT_EQ(dense::exp_of_negative(-88), 0);
  EXPECT_EQ(dense::exp_of_negative(-INFINITY), 0);
}

}  // namespace
}  // namespace molgen3d
