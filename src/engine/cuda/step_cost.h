// What a decoding step costs whatever its rows, and what each row adds: how far drafts pay.
#pragma once

#include <cstddef>

#include "checkpoint/model_config.h"

namespace molgen3d::cuda {

/// The part of a step's time that does not grow with the rows, in rows of each of `sequences`
/// sequences. Rates are those of the step tables in bench/gpu; an answer does not depend on it.
inline float draft_base_rows(const ModelConfig& config, size_t sequences) {
  constexpr double kBytesPerSecond = 3.5e12, kOperationsPerSecond = 2.5e14;
  constexpr double kLayerSeconds = 12e-6;  // handing over between kernels, norms
  constexpr double kTokens = 350;          // of a sequence in the middle of its answer
  const double heads = static_cast<double>(config.heads + 2 * config.kv_heads) * config.head_dim;
  const double layer = config.hidden * (heads + config.heads * config.head_dim +
                                        3.0 * static_cast<double>(config.intermediate));
  const double weights = config.layers * layer;
  const double token_bytes = 4.0 * config.layers * config.kv_heads * config.head_dim;
  const auto n = static_cast<double>(sequences);
  const double base = 2 * weights / kBytesPerSecond + config.layers * kLayerSeconds +
                      n * kTokens * token_bytes / kBytesPerSecond;
  const double row = 2 * weights / kOperationsPerSecond;
  return static_cast<float>(base / (n * row));
}

}  // namespace molgen3d::cuda
