// What a decoding step costs whatever its rows, and what each row adds: how far drafts pay.
#pragma once

#include <algorithm>
#include <cstddef>

#include "checkpoint/model_config.h"
#include "engine/cuda/step_types.h"
#include "engine/draft_law.h"

namespace molgen3d::cuda {

/// The costs of a gate for `sequences` sequences; its window is the caller's. Rates are those of
/// the step tables in bench/gpu; an answer does not depend on them.
inline DraftGate draft_gate(const ModelConfig& config, size_t sequences) {
  constexpr double kBytesPerSecond = 3.5e12, kOperationsPerSecond = 2.5e14;
  constexpr double kLayerSeconds = 12e-6;  // handing over between kernels, norms
  constexpr double kTokens = 350;          // of a sequence in the middle of its answer
  constexpr double kFullChip = 64;         // sequences whose attention leaves no block idle
  const double heads = static_cast<double>(config.heads + 2 * config.kv_heads) * config.head_dim;
  const double layer = config.hidden * (heads + config.heads * config.head_dim +
                                        3.0 * static_cast<double>(config.intermediate));
  const double weights = config.layers * layer;
  const double keys = kTokens * 4.0 * config.layers * config.kv_heads * config.head_dim;
  const auto n = static_cast<double>(sequences);
  const double row = 2 * weights / kOperationsPerSecond;
  const double attention = keys / kBytesPerSecond;
  const double base = 2 * weights / kBytesPerSecond + config.layers * kLayerSeconds;
  DraftGate gate;
  gate.base_rows = static_cast<float>((base / n + attention) / row);
  gate.tile = std::max(1, kTileRows / std::max(1, config.heads / config.kv_heads));
  gate.tile_cost = static_cast<float>(attention / row * std::min(1.0, n / kFullChip));
  return gate;
}

}  // namespace molgen3d::cuda
