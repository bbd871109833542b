// Confidence intervals by resampling molecules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace molgen3d {

/// A figure with its 95 % interval (2.5 and 97.5 percentiles of the resampled values).
struct Estimate {
  double value = 0, low = 0, high = 0;
};

/// What one figure takes from every molecule: the figure is sum(numerator) / sum(denominator), the
/// mean over molecules when denominators are 1, a share of samples when they are sample counts.
/// Molecules that do not count have denominator 0.
struct MoleculeFigures {
  std::vector<double> numerator, denominator;

  explicit MoleculeFigures(size_t molecules = 0)
      : numerator(molecules, 0.0), denominator(molecules, 0.0) {}
  void add(size_t molecule, double n, double d) {
    numerator[molecule] += n;
    denominator[molecule] += d;
  }
  bool empty() const;
  double ratio() const;
  /// Of numerator / denominator over the molecules that count.
  double median() const;
};

/// One set of resamples for all figures, so that differences between runs are paired: the samples
/// of a molecule always stay together (a cluster bootstrap; Efron and Tibshirani 1993). The same
/// seed gives the same intervals on every platform.
class Bootstrap {
 public:
  Bootstrap(size_t molecules, size_t replicates, uint64_t seed);

  /// Nothing when no molecule counts.
  std::optional<Estimate> ratio(const MoleculeFigures& figures) const;
  std::optional<Estimate> median(const MoleculeFigures& figures) const;
  /// `a` less `b`, resampled together.
  std::optional<Estimate> ratio_difference(const MoleculeFigures& a,
                                           const MoleculeFigures& b) const;
  std::optional<Estimate> median_difference(const MoleculeFigures& a,
                                            const MoleculeFigures& b) const;

 private:
  std::vector<double> ratios(const MoleculeFigures& figures) const;
  std::vector<double> medians(const MoleculeFigures& figures) const;

  size_t molecules_, replicates_;
  std::vector<uint16_t> times_;  ///< replicate by replicate: how often each molecule was drawn
};

}  // namespace molgen3d
