// How much memory CpuOperations needs besides weights: row, page and scratch sizes in elements.
#pragma once

#include <algorithm>
#include <thread>

#include "engine/backend.h"
#include "engine/cpu/cpu_operations.h"
#include "engine/cpu/packed_weights.h"

namespace molgen3d::cpu {

static_assert(kBlock == kPageTokens);

/// Rows that one product handles before its results are finished and stored: their sums stay in
/// the first two cache levels.
inline constexpr size_t kRowBlock = 64;
/// Most panels of a unit of work (but for heads wider than that).
inline constexpr size_t kUnitPanels = 4;
/// Output rows gathered at once; more are taken in turns.
inline constexpr size_t kGatherRows = 4096;

/// Sizes of everything but weights, in elements.
struct Extent {
  Extent(const Shape& shape, const ModelConfig& config, const CpuOptions& options)
      : threads(options.threads != 0 ? options.threads
                                     : std::max<size_t>(std::thread::hardware_concurrency(), 1)),
        positions(std::min<size_t>(static_cast<size_t>(config.max_positions),
                                   options.pages * kPageTokens)),
        page(2 * kBlock * shape.kv_heads * shape.dim),
        gather(std::min(round_up(static_cast<size_t>(config.vocabulary), kPanel), kGatherRows) *
               shape.hidden_stride),
        score_stride(round_up(positions, kPanel)),
        tile_stride(std::max(kUnitPanels, shape.head_panels) * kPanel) {}
  size_t threads, positions;
  size_t page;    ///< keys and values of one page and layer
  size_t gather;  ///< gathered output rows
  size_t score_stride, tile_stride;
  /// Bytes of one thread's scratch (units_of_work.h), stored values of `element` bytes.
  size_t scratch_bytes(const Shape& s, size_t element) const {
    return sizeof(float) * (kRowBlock * tile_stride + round_up(s.group, kPanel)) +
           (sizeof(float) + element) * s.group * score_stride;
  }
  size_t row(const Shape& s) const {
    return 2 * s.hidden_stride + 2 * s.attention_stride + s.intermediate_stride;
  }
};

}  // namespace molgen3d::cpu
