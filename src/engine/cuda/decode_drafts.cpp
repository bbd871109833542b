// Drafts in the decoding loop: rows for them, and the gate of a chain of steps.
#include <algorithm>

#include "engine/cuda/decode_loop.h"
#include "engine/cuda/step_cost.h"

namespace molgen3d {
namespace {

/// Rows for that many sequences with drafts: what their gate lets through at such batches, and some
/// more; whole tiles.
int draft_row_budget(int active, int window) {
  const int most = active <= 8 ? kRunRows : active <= 16 ? 6 : active <= 32 ? 5 : 4;
  const int wanted = active * std::min(most, window + 2);
  return cuda::padded(wanted, cuda::gemm_tile_rows(wanted));
}

}  // namespace

bool CudaBackend::drafts_wanted() const {
  return options_.drafts != 0U && options_.merge_forced_runs && !options_.audit;
}

DraftGate CudaBackend::draft_gate(size_t sequences) const {
  DraftGate gate = cuda::draft_gate(checkpoint_->config(), sequences);
  gate.window =
      std::min<int>(static_cast<int>(options_.drafts.value_or(kMostDrafts)), kRunRows - 1);
  if (options_.drafts) gate.base_rows = kEveryDraftPays;
  return gate;
}

void CudaBackend::add_drafts(cuda::StepShape& shape) const {
  shape.drafts = drafts_wanted() && !shape.full_output;
  if (!shape.drafts) return;
  const int window = static_cast<int>(options_.drafts.value_or(kMostDrafts));
  const auto& buffers = model_->scratch().activations[micro_batches_ - 1];
  shape.row_budget = std::max(
      shape.row_budget, std::min(draft_row_budget(shape.max_active, window), buffers.max_rows));
  shape.outputs = shape.row_budget;
}

}  // namespace molgen3d
