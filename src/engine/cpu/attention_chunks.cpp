#include "engine/cpu/attention_chunks.h"

#include <algorithm>

namespace molgen3d::cpu {
namespace {

/// Rows of a sequence that share a unit of attention work.
constexpr uint32_t kAttentionRows = 16;

}  // namespace

void attention_chunks(const Pass& pass, std::vector<AttentionChunk>& chunks) {
  chunks.clear();
  for (uint32_t s = 0; s < pass.sequences.size(); ++s) {
    const PassSequence& sequence = pass.sequences[s];
    for (uint32_t first = 0; first < sequence.rows; first += kAttentionRows) {
      chunks.push_back(
          {s, first, std::min(kAttentionRows, sequence.rows - first), sequence.first_row + first});
    }
  }
}

void attention_chunks(const Pass& pass, std::span<const uint32_t> kept,
                      std::vector<AttentionChunk>& chunks) {
  chunks.clear();
  uint32_t s = 0;
  for (uint32_t at = 0; at < kept.size(); ++at) {
    const uint32_t row = kept[at];
    while (row >= pass.sequences[s].first_row + pass.sequences[s].rows) ++s;
    const uint32_t first = row - pass.sequences[s].first_row;
    AttentionChunk* last = chunks.empty() ? nullptr : &chunks.back();
    if (last != nullptr && last->sequence == s && last->first + last->rows == first &&
        last->rows < kAttentionRows) {
      ++last->rows;
    } else {
      chunks.push_back({s, first, 1, at});
    }
  }
}

}  // namespace molgen3d::cpu
