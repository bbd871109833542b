#include "engine/cpu/rotary_tables.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/cpu/kernels.h"
#include "engine/cpu/widen.h"
#include "engine/rotary.h"

namespace molgen3d::cpu {

RotaryTables::RotaryTables(const ModelConfig& config, size_t positions, bool rounded)
    : half_(static_cast<size_t>(config.head_dim) / 2),
      memory_(2 * positions * half_ * sizeof(float), "rotary tables"),
      cosines_(reinterpret_cast<float*>(memory_.data())),
      sines_(cosines_ + positions * half_) {
  const std::vector<double> frequencies = rotary_inverse_frequencies(config);
  for (size_t p = 0; p < positions; ++p) {
    for (size_t i = 0; i < half_; ++i) {
      const double angle = static_cast<double>(p) * frequencies[i];
      cosines_[p * half_ + i] = static_cast<float>(std::cos(angle));
      sines_[p * half_ + i] = static_cast<float>(std::sin(angle));
    }
  }
  if (rounded) {
    round_to_bfloat16(cosines_, positions * half_);
    round_to_bfloat16(sines_, positions * half_);
  }
}

void RotaryTables::round_to_bfloat16(float* table, size_t size) {
  for (size_t i = 0; i < size; i += kBlock) {
    BFloat16 low[kBlock];
    const size_t n = std::min(kBlock, size - i);
    float in[kBlock] = {};
    std::copy_n(table + i, n, in);
    bfloat16_kernels().round(in, kBlock, low);
    for (size_t j = 0; j < n; ++j) table[i + j] = widen(low[j]);
  }
}

}  // namespace molgen3d::cpu
