#include "quality/coverage.h"

#include <algorithm>
#include <numeric>

namespace molgen3d {

namespace {

size_t closer_than(const std::vector<double>& distances, double threshold) {
  return static_cast<size_t>(
      std::count_if(distances.begin(), distances.end(), [&](double d) { return d < threshold; }));
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double share(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

CovMat cov_mat(const MoleculeDistances& distances, double threshold, FailureRule rule) {
  CovMat out;
  if (distances.references() == 0) return out;
  const bool any = distances.valid() > 0;
  out.has_mat = any;
  out.has_cov = any || rule == FailureRule::kCounted;
  if (!any) return out;
  out.cov_r = share(closer_than(distances.nearest_generated, threshold), distances.references());
  out.cov_p = share(closer_than(distances.nearest_reference, threshold),
                    rule == FailureRule::kCounted ? distances.asked() : distances.valid());
  out.mat_r = mean(distances.nearest_generated);
  out.mat_p = mean(distances.nearest_reference);
  return out;
}

std::vector<double> curve_thresholds() {
  std::vector<double> out;
  for (int i = 1; i <= 60; ++i) out.push_back(i / 20.0);
  return out;
}

}  // namespace molgen3d
