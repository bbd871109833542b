#include "engine/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace molgen3d {

std::vector<double> rotary_inverse_frequencies(const ModelConfig& config) {
  const int half = config.head_dim / 2;
  std::vector<double> frequencies(static_cast<size_t>(half));
  for (int i = 0; i < half; ++i) {
    double f = std::pow(config.rope_theta, -static_cast<double>(i) / half);
    if (config.rope_scaling) {
      const Llama3RopeScaling& s = *config.rope_scaling;
      const double turns = s.original_max_positions * f / (2 * std::numbers::pi);
      const double smooth = std::clamp(
          (turns - s.low_frequency_factor) / (s.high_frequency_factor - s.low_frequency_factor),
          0.0, 1.0);
      f *= (1 - smooth) / s.factor + smooth;
    }
    frequencies[static_cast<size_t>(i)] = f;
  }
  return frequencies;
}

}  // namespace molgen3d
