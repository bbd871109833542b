#include "quality/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace molgen3d {
namespace {

MoleculeFigures normal_figures(size_t n, double mean, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(mean, 2);
  MoleculeFigures out(n);
  for (size_t i = 0; i < n; ++i) out.add(i, normal(random), 1);
  return out;
}

// The mean of 400 normal numbers of spread 2 has a 95 % interval of 1.96 * 2 / sqrt(400) either
// way.
TEST(Bootstrap, IntervalOfAMean) {
  const Bootstrap bootstrap(400, 4000, 1);
  const MoleculeFigures figures = normal_figures(400, 10, 5);
  const Estimate e = *bootstrap.ratio(figures);
  EXPECT_NEAR(e.value - e.low, 0.196, 0.03);
  EXPECT_NEAR(e.high - e.value, 0.196, 0.03);
  // The median's is wider by sqrt(pi / 2).
  const Estimate m = *bootstrap.median(figures);
  EXPECT_NEAR(m.value, 10, 0.4);
  EXPECT_NEAR((m.high - m.low) / 2, 0.246, 0.07);
}

// In 200 repetitions the interval holds the truth about 95 times in 100.
TEST(Bootstrap, IntervalsHoldTheTruth) {
  size_t held = 0;
  for (uint64_t trial = 0; trial < 200; ++trial) {
    const Bootstrap bootstrap(100, 400, trial);
    const Estimate e = *bootstrap.ratio(normal_figures(100, 3, 1000 + trial));
    held += e.low <= 3 && 3 <= e.high;
  }
  EXPECT_GE(held, 178U);
  EXPECT_LE(held, 199U);
}

// Rows that move together differ by little, however wide their own intervals are.
TEST(Bootstrap, DifferencesArePaired) {
  const Bootstrap bootstrap(200, 1000, 3);
  const MoleculeFigures a = normal_figures(200, 10, 9);
  MoleculeFigures b = a;
  for (double& v : b.numerator) v += 0.1;
  const Estimate d = *bootstrap.ratio_difference(b, a);
  EXPECT_NEAR(d.value, 0.1, 1e-9);
  EXPECT_NEAR(d.low, 0.1, 1e-9);
  EXPECT_NEAR(d.high, 0.1, 1e-9);
  EXPECT_NEAR(bootstrap.median_difference(b, a)->low, 0.1, 1e-9);
}

// Samples of one molecule stand or fall together: ten copies of each make no interval narrower.
TEST(Bootstrap, SamplesOfAMoleculeStayTogether) {
  MoleculeFigures single(50);
  MoleculeFigures copied(50);
  for (size_t i = 0; i < 50; ++i) {
    single.add(i, i % 2 == 0 ? 1 : 0, 1);
    copied.add(i, i % 2 == 0 ? 10 : 0, 10);
  }
  const Bootstrap bootstrap(50, 2000, 7);
  EXPECT_EQ(bootstrap.ratio(single)->low, bootstrap.ratio(copied)->low);
  EXPECT_NEAR(bootstrap.ratio(single)->high - 0.5, 0.14, 0.03);
}

TEST(Bootstrap, MoleculesThatDoNotCountChangeNothing) {
  MoleculeFigures figures(3);
  figures.add(1, 4, 2);
  const Bootstrap bootstrap(3, 500, 1);
  const Estimate e = *bootstrap.ratio(figures);
  EXPECT_EQ(e.value, 2);
  EXPECT_EQ(e.low, 2);
  EXPECT_EQ(e.high, 2);
  EXPECT_FALSE(bootstrap.ratio(MoleculeFigures(3)).has_value());
  EXPECT_FALSE(bootstrap.median(MoleculeFigures(3)).has_value());
}

TEST(Bootstrap, TheSeedDecides) {
  const MoleculeFigures figures = normal_figures(60, 0, 2);
  EXPECT_EQ(Bootstrap(60, 500, 4).ratio(figures)->low, Bootstrap(60, 500, 4).ratio(figures)->low);
  EXPECT_NE(Bootstrap(60, 500, 4).ratio(figures)->low, Bootstrap(60, 500, 5).ratio(figures)->low);
}

TEST(MoleculeFigures, MedianOfEvenAndOddCounts) {
  MoleculeFigures figures(4);
  figures.add(0, 5, 1);
  figures.add(1, 1, 1);
  figures.add(3, 8, 2);
  EXPECT_EQ(figures.median(), 4);
  figures.add(2, 10, 1);
  EXPECT_EQ(figures.median(), 4.5);
}

}  // namespace
}  // namespace molgen3d
