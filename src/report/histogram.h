// Counts by whole number: tokens per coordinate, drift, characters.
#pragma once

#include <cstddef>
#include <map>

namespace molgen3d {

struct Histogram {
  std::map<int, size_t> counts;

  void add(int value, size_t times = 1) { counts[value] += times; }
  void add(const Histogram& other) {
    for (const auto& [value, times] : other.counts) counts[value] += times;
  }
  size_t total() const {
    size_t sum = 0;
    for (const auto& entry : counts) sum += entry.second;
    return sum;
  }
  double mean() const {
    double sum = 0;
    for (const auto& [value, times] : counts) sum += static_cast<double>(times) * value;
    return counts.empty() ? 0 : sum / static_cast<double>(total());
  }
  /// The smallest value that at least `share` of the counts do not exceed; 0 when empty.
  int quantile(double share) const {
    const double wanted = share * static_cast<double>(total());
    size_t sum = 0;
    for (const auto& [value, times] : counts) {
      sum += times;
      if (static_cast<double>(sum) >= wanted) return value;
    }
    return 0;
  }
  bool operator==(const Histogram&) const = default;
};

}  // namespace molgen3d
