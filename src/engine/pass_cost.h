// What a row more costs a pass, learnt from the passes themselves: seconds = base + rows x row.
#pragma once

#include <algorithm>
#include <cstddef>

namespace molgen3d {

/// Least squares over the passes so far; older ones fade, so that it follows a machine whose load
/// changes.
class PassCost {
 public:
  /// Takes in a pass of `rows` rows.
  void add(double rows, double seconds) {
    constexpr double kFade = 1 - 1.0 / 512;
    count_ = count_ * kFade + 1;
    rows_ = rows_ * kFade + rows;
    rows2_ = rows2_ * kFade + rows * rows;
    seconds_ = seconds_ * kFade + seconds;
    product_ = product_ * kFade + rows * seconds;
  }
  /// How many rows cost as much as the base. `assumed` until passes of different sizes were seen.
  double base_rows(double assumed) const {
    const double spread = count_ * rows2_ - rows_ * rows_;
    if (count_ < 16 || spread <= 1e-3 * rows_ * rows_) return assumed;
    const double row = (count_ * product_ - rows_ * seconds_) / spread;
    const double base = (seconds_ - row * rows_) / count_;
    // Noise can make either negative; then rows cost all of it, or nothing.
    constexpr double kMost = 1e3;
    if (row <= 0) return kMost;
    return std::clamp(base / row, 0.0, kMost);
  }

 private:
  double count_ = 0, rows_ = 0, rows2_ = 0, seconds_ = 0, product_ = 0;
};

}  // namespace molgen3d
