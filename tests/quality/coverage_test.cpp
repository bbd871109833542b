#include "quality/coverage.h"

#include <gtest/gtest.h>

#include <limits>

namespace molgen3d {
namespace {

TEST(Coverage, SharesAndMeans) {
  MoleculeDistances d;
  d.nearest_generated = {0.2, 0.6, 0.75, 1.0};
  d.nearest_reference = {0.2, 0.9};
  const CovMat at = cov_mat(d, 0.75, FailureRule::kCounted);
  EXPECT_DOUBLE_EQ(at.cov_r, 0.5);  // strictly less: 0.75 is not covered
  EXPECT_DOUBLE_EQ(at.cov_p, 0.5);
  EXPECT_DOUBLE_EQ(at.mat_r, 0.6375);
  EXPECT_DOUBLE_EQ(at.mat_p, 0.55);
  EXPECT_DOUBLE_EQ(cov_mat(d, 0.7500001, FailureRule::kCounted).cov_r, 0.75);
}

TEST(Coverage, FailedSamplesStayInTheDenominatorOfPrecision) {
  MoleculeDistances d;
  d.nearest_generated = {0.2};
  d.nearest_reference = {0.2, 0.3};
  d.failed_samples = 6;
  const CovMat counted = cov_mat(d, 0.75, FailureRule::kCounted);
  const CovMat dropped = cov_mat(d, 0.75, FailureRule::kDropped);
  EXPECT_DOUBLE_EQ(counted.cov_p, 0.25);
  EXPECT_DOUBLE_EQ(dropped.cov_p, 1);
  EXPECT_DOUBLE_EQ(counted.cov_r, 1);
  EXPECT_DOUBLE_EQ(counted.mat_p, dropped.mat_p);
}

TEST(Coverage, AMoleculeWithoutAnySampleCountsZeroAndHasNoMat) {
  MoleculeDistances d;
  d.nearest_generated = {std::numeric_limits<double>::infinity()};
  d.failed_samples = 2;
  const CovMat counted = cov_mat(d, 0.75, FailureRule::kCounted);
  EXPECT_TRUE(counted.has_cov);
  EXPECT_FALSE(counted.has_mat);
  EXPECT_EQ(counted.cov_r, 0);
  EXPECT_EQ(counted.cov_p, 0);
  const CovMat dropped = cov_mat(d, 0.75, FailureRule::kDropped);
  EXPECT_FALSE(dropped.has_cov);
  EXPECT_FALSE(dropped.has_mat);
}

TEST(Coverage, AMoleculeWithoutReferencesCountsNowhere) {
  MoleculeDistances d;
  d.nearest_reference = {0.1};
  for (const auto rule : {FailureRule::kCounted, FailureRule::kDropped}) {
    EXPECT_FALSE(cov_mat(d, 0.75, rule).has_cov);
    EXPECT_FALSE(cov_mat(d, 0.75, rule).has_mat);
  }
}

TEST(Coverage, CurvesRunFromFiveHundredthsToThree) {
  const auto thresholds = curve_thresholds();
  ASSERT_EQ(thresholds.size(), 60U);
  EXPECT_DOUBLE_EQ(thresholds.front(), 0.05);
  EXPECT_DOUBLE_EQ(thresholds[14], 0.75);
  EXPECT_DOUBLE_EQ(thresholds.back(), 3);
}

}  // namespace
}  // namespace molgen3d
