#include "quality/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace molgen3d {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Linear interpolation between order statistics; replicates without a value are left out.
double quantile(std::vector<double> values, double share) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (values.empty()) return kNone;
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  const double part = place - static_cast<double>(below);
  // Also right when both are infinite.
  return part == 0 || values[below] == values[above]
             ? values[below]
             : values[below] * (1 - part) + values[above] * part;
}

Estimate with_interval(double value, const std::vector<double>& replicates) {
  return {value, quantile(replicates, 0.025), quantile(replicates, 0.975)};
}

std::vector<double> differences(std::vector<double> a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

}  // namespace

bool MoleculeFigures::empty() const {
  return std::none_of(denominator.begin(), denominator.end(), [](double d) { return d > 0; });
}

double MoleculeFigures::ratio() const {
  double n = 0;
  double d = 0;
  for (size_t i = 0; i < numerator.size(); ++i) {
    n += numerator[i];
    d += denominator[i];
  }
  return d > 0 ? n / d : kNone;
}

double MoleculeFigures::median() const {
  std::vector<double> values;
  for (size_t i = 0; i < numerator.size(); ++i) {
    if (denominator[i] > 0) values.push_back(numerator[i] / denominator[i]);
  }
  return quantile(std::move(values), 0.5);
}

Bootstrap::Bootstrap(size_t molecules, size_t replicates, uint64_t seed)
    : molecules_(molecules), replicates_(replicates), times_(molecules * replicates, 0) {
  if (molecules == 0) return;
  std::mt19937_64 random(seed);
  const uint64_t limit = std::numeric_limits<uint64_t>::max() / molecules * molecules;
  for (size_t r = 0; r < replicates; ++r) {
    for (size_t i = 0; i < molecules; ++i) {
      uint64_t draw = random();
      while (draw >= limit) draw = random();
      ++times_[r * molecules + draw % molecules];
    }
  }
}

std::vector<double> Bootstrap::ratios(const MoleculeFigures& figures) const {
  std::vector<double> out(replicates_, kNone);
  for (size_t r = 0; r < replicates_; ++r) {
    double n = 0;
    double d = 0;
    for (size_t i = 0; i < molecules_; ++i) {
      const double times = times_[r * molecules_ + i];
      if (times == 0) continue;  // 0 times infinity is no number
      n += times * figures.numerator[i];
      d += times * figures.denominator[i];
    }
    if (d > 0) out[r] = n / d;
  }
  return out;
}

std::vector<double> Bootstrap::medians(const MoleculeFigures& figures) const {
  std::vector<std::pair<double, size_t>> sorted;
  for (size_t i = 0; i < molecules_; ++i) {
    if (figures.denominator[i] > 0)
      sorted.emplace_back(figures.numerator[i] / figures.denominator[i], i);
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> out(replicates_, kNone);
  for (size_t r = 0; r < replicates_; ++r) {
    const uint16_t* times = times_.data() + r * molecules_;
    size_t total = 0;
    for (const auto& entry : sorted) total += times[entry.second];
    if (total == 0) continue;
    // The middle one, or the mean of the middle two.
    const size_t low = (total - 1) / 2;
    const size_t high = total / 2;
    double at_low = kNone;
    size_t seen = 0;
    for (const auto& [value, molecule] : sorted) {
      seen += times[molecule];
      if (std::isnan(at_low) && seen > low) at_low = value;
      if (seen > high) {
        out[r] = at_low == value ? value : (at_low + value) / 2;
        break;
      }
    }
  }
  return out;
}

std::optional<Estimate> Bootstrap::ratio(const MoleculeFigures& figures) const {
  if (figures.empty()) return std::nullopt;
  return with_interval(figures.ratio(), ratios(figures));
}

std::optional<Estimate> Bootstrap::median(const MoleculeFigures& figures) const {
  if (figures.empty()) return std::nullopt;
  return with_interval(figures.median(), medians(figures));
}

std::optional<Estimate> Bootstrap::ratio_difference(const MoleculeFigures& a,
                                                    const MoleculeFigures& b) const {
  if (a.empty() || b.empty()) return std::nullopt;
  return with_interval(a.ratio() - b.ratio(), differences(ratios(a), ratios(b)));
}

std::optional<Estimate> Bootstrap::median_difference(const MoleculeFigures& a,
                                                     const MoleculeFigures& b) const {
  if (a.empty() || b.empty()) return std::nullopt;
  return with_interval(a.median() - b.median(), differences(medians(a), medians(b)));
}

}  // namespace molgen3d
