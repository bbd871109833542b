// Audit mode: what the model's own law says of a token, from the whole row of logits
// (Sampler::audit of engine/sampler.h). One thread block.
#pragma once

#include "engine/cuda/sample_draw.cuh"

namespace molgen3d::cuda {

/// The token that the sequence is about to take when its constraint leaves no choice.
__device__ inline int forced_token(const SlotState& state) {
  const DeviceConstraint& c = state.constraint;
  if (c.kind == ConstraintKind::kPositions) {
    return c.positions[2 * static_cast<size_t>(state.segment)];
  }
  if (state.node >= kTemplateInHole) return c.edge_token[c.row_begin[state.node - kTemplateInHole]];
  return c.literals[c.segments[3 * static_cast<size_t>(state.segment)] + state.node];
}

/// Judges `token`; thread 0 books the result in the state and in the record. Needs the whole row:
/// candidates are the vocabulary, or a list of legal ids. Every thread gets the outcome.
template <int kThreads>
__device__ SlotEnd audit_token(const SampleArguments& a, const Task& task, SlotState& state,
                               const float* row, Block<kThreads>& block, int token) {
  const int thread = static_cast<int>(threadIdx.x);
  double bad = 0;
  Candidate favourite = {-INFINITY, INT_MAX};
  for (int i = thread; i < a.vocabulary; i += kThreads) {
    const float x = __ldg(row + i);
    if (!isfinite(x)) bad += 1;
    if (x > favourite.score) favourite = {x, i};
  }
  if (block.sum(bad) > 0) return SlotEnd::kNotFinite;
  favourite = block.best(favourite);
  const double scale = state.inverse_temperature, top = favourite.score;
  const auto share = [&](int id) {
    return exp((static_cast<double>(__ldg(row + id)) - top) * scale);
  };
  double whole = 0, kept = 0;
  for (int i = thread; i < a.vocabulary; i += kThreads) {
    const double x = share(i);
    whole += x;
    const bool legal = task.mode == Mode::kAny ||
                       (task.mode == Mode::kMasked &&
                        ((task.mask[i / 32] >> (i % 32) & 1U) != 0) == (task.mask_allows != 0));
    if (legal) kept += x;
  }
  if (task.mode == Mode::kListed) {
    for (int i = thread; i < task.count; i += kThreads) kept += share(task.ids[i]);
  }
  whole = block.sum(whole);
  kept = block.sum(kept);
  if (thread != 0) return SlotEnd::kRunning;
  const double raw = (static_cast<double>(row[token]) - top) * scale - log(whole);
  // A forced token may be so improbable that its share underflows: its logit does not.
  const double log_kept =
      task.mode == Mode::kForced || kept == 0 ? raw : fmin(0.0, log(kept / whole));
  state.raw_log_probability += raw;
  state.log_kept_mass += log_kept;
  a.audit[static_cast<size_t>(task.slot) * a.token_stride + state.known - state.prompt_length] = {
      static_cast<float>(raw), static_cast<float>(exp(log_kept)), favourite.index,
      static_cast<float>(-log(whole))};
  return SlotEnd::kRunning;
}

}  // namespace molgen3d::cuda
