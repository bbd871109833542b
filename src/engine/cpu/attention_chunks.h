// How the attention of a pass is cut into units of work.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/operations.h"

namespace molgen3d::cpu {

/// Rows of one sequence that attend in one unit of work: [first, first + rows) of the sequence,
/// whose activations stand at `at`.
struct AttentionChunk {
  uint32_t sequence, first, rows, at;
};

/// All rows of a pass.
void attention_chunks(const Pass& pass, std::vector<AttentionChunk>& chunks);
/// Those of the ascending rows `kept` alone, whose activations have been closed up.
void attention_chunks(const Pass& pass, std::span<const uint32_t> kept,
                      std::vector<AttentionChunk>& chunks);

}  // namespace molgen3d::cpu
