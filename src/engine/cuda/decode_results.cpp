// What a chain of steps brought: states, answers, audits.
#include <fmt/format.h>

#include <limits>

#include "engine/cuda/decode_loop.h"

namespace molgen3d {

using cuda::check;

std::string CudaBackend::failure(const cuda::SlotState& state) const {
  if (state.end == cuda::SlotEnd::kGeometry) return geometry::failure_text(state.search);
  const char* cause = "the model gave a logit that is not finite (NaN or infinity)";
  if (state.end == cuda::SlotEnd::kNotGathered) {
    cause = "a legal token is not among the constraint's reachable ids";
  } else if (state.end == cuda::SlotEnd::kNothingLegal) {
    cause = "the constraint allows no token of the vocabulary";
  }
  return fmt::format("generated token {}: {}", state.known - state.prompt_length, cause);
}

/// Counters and the reason; the tokens are filled in by the caller.
Completion CudaBackend::completion(Slot& slot) {
  const cuda::SlotState& state = slot.state;
  Completion result;
  switch (state.end) {
    case cuda::SlotEnd::kEndOfSequence:
      result.reason = FinishReason::kEndOfSequence;
      break;
    case cuda::SlotEnd::kLength:
      result.reason = FinishReason::kLength;
      break;
    default:
      result.reason = FinishReason::kFailed;
      result.error = failure(state);
  }
  result.sampled_tokens = static_cast<uint32_t>(state.sampled);
  result.forced_tokens = static_cast<uint32_t>(state.forced);
  result.passes = static_cast<uint32_t>(state.passes);
  result.masked_log_probability = state.log_probability;
  if (slot.geometry != nullptr) result.geometry = geometry::outcome_of(state.search);
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  result.raw_log_probability = options_.audit ? state.raw_log_probability : kUnknown;
  result.log_kept_mass = options_.audit ? state.log_kept_mass : kUnknown;
  return result;
}

/// Reads the states back, then the tokens of the finished.
void CudaBackend::collect(std::vector<SlotProgress>& finished, size_t& tokens) {
  // Each micro-batch's copy holds all slots; those of the other may be in the middle of a step.
  auto* states = results_.as<cuda::SlotState>();
  int* answers = reinterpret_cast<int*>(states + cuda::kMicroBatches * slots_.size());
  const size_t context = static_cast<size_t>(model_->extent().context);
  ScopedSpan wait(options_.spans, RunPhase::kWait);
  for (int i = 0; i < micro_batches_; ++i) {
    check(cudaEventSynchronize(states_read_[i]), "decoding");
  }
  wait.end();
  staging_used_ = 0;
  std::vector<uint32_t> ended;
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    if (!slots_[index]) continue;
    Slot& slot = *slots_[index];
    if (slot.installed)
      slot.state = states[static_cast<size_t>(slot.micro_batch) * slots_.size() + index];
    const int generated = slot.state.known - slot.state.prompt_length;
    // Fewer than before when some were thrown away.
    tokens += static_cast<size_t>(std::max(0, generated - slot.reported));
    slot.reported = generated;
    if (!slot.installed && slot.done_at_start(options_.audit)) {
      finished.push_back({index, true, slot.sequence.take_result()});
      cancel(index);
    } else if (slot.installed && slot.state.end != cuda::SlotEnd::kRunning) {
      check(cudaMemcpyAsync(answers + index * context,
                            model_->scratch().tokens + index * context + slot.state.prompt_length,
                            static_cast<size_t>(generated) * sizeof(int), cudaMemcpyDeviceToHost,
                            read_stream_),
            "copy of an answer");
      ended.push_back(index);
    }
  }
  if (ended.empty()) return;
  check(cudaStreamSynchronize(read_stream_), "copy of answers");
  for (const uint32_t index : ended) {
    Slot& slot = *slots_[index];
    Completion result = completion(slot);
    const int* answer = answers + index * context;
    result.tokens.assign(answer, answer + slot.reported);
    draft_counts_.verified += static_cast<uint64_t>(slot.state.drafts_verified);
    draft_counts_.kept += static_cast<uint64_t>(slot.state.drafts_kept);
    if (options_.audit) read_audit(slot, index, result);
    finished.push_back({index, true, std::move(result)});
    cancel(index);
  }
}

void CudaBackend::read_audit(const Slot& slot, uint32_t index, Completion& result) {
  std::vector<cuda::AuditRecord> records(result.tokens.size());
  check(cudaMemcpyAsync(
            records.data(),
            model_->scratch().audit + index * static_cast<size_t>(model_->extent().context),
            records.size() * sizeof(cuda::AuditRecord), cudaMemcpyDeviceToHost, stream_),
        "copy of an audit");
  std::vector<geometry::Mark> marks;
  const int atoms = slot.geometry ? slot.geometry->set.view().atoms() : 0;
  if (slot.geometry && geometry::complete(slot.state.search, atoms)) {
    marks.resize(static_cast<size_t>(atoms) + 1);
    check(cudaMemcpyAsync(marks.data(), slot.state.geometry.memory.marks,
                          marks.size() * sizeof(geometry::Mark), cudaMemcpyDeviceToHost, stream_),
          "copy of an audit");
  }
  check(cudaStreamSynchronize(stream_), "copy of an audit");
  result.log_kept_by_atom = geometry::log_kept_by_atom(marks);
  for (const cuda::AuditRecord& r : records) {
    result.audit.push_back(
        {r.raw_log_probability, r.kept_mass, r.favourite, r.favourite_log_probability});
  }
}

}  // namespace molgen3d
