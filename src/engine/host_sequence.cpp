#include "engine/host_sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace molgen3d {

HostSequence::HostSequence(const SequenceStart& start, const BackendOptions& options,
                           int vocabulary)
    : tokens_(start.prompt.begin(), start.prompt.end()),
      prompt_length_(static_cast<uint32_t>(start.prompt.size())),
      cached_(start.cached_tokens),
      pages_(start.pages.begin(), start.pages.end()),
      constraint_(start.constraint),
      sampling_(start.sampling),
      key_(start.noise_key),
      max_new_tokens_(start.max_new_tokens),
      vocabulary_(vocabulary),
      audit_(options.audit),
      spans_(options.spans),
      end_of_sequence_(options.end_of_sequence) {
  tokens_.reserve(tokens_.size() + max_new_tokens_);
  if (audit_) {
    history_.reserve(max_new_tokens_);
    result_.audit.reserve(max_new_tokens_);
  } else {
    result_.raw_log_probability = std::numeric_limits<double>::quiet_NaN();
    result_.log_kept_mass = std::numeric_limits<double>::quiet_NaN();
  }
  if (constraint_) state_ = constraint_->start();
  append_forced_run();
}

Choices HostSequence::choices(uint32_t index) const {
  if (!constraint_) return {};
  return constraint_->choices(index < generated() ? history_[index] : state_);
}

void HostSequence::fail(const std::string& cause) {
  result_.reason = FinishReason::kFailed;
  result_.error = cause;
  ended_ = true;
}

void HostSequence::append(TokenId token, bool sampled) {
  if (token < 0 || token >= vocabulary_) {
    fail(fmt::format("generated token {}: the constraint forces id {}, but the model has {} ids",
                     generated(), token, vocabulary_));
    return;
  }
  if (audit_ && constraint_) history_.push_back(state_);
  tokens_.push_back(token);
  ++(sampled ? result_.sampled_tokens : result_.forced_tokens);
  bool end = false;
  if (constraint_) {
    state_ = constraint_->advance(state_, token);
    end = constraint_->finished(state_);
  } else {
    end = std::find(end_of_sequence_.begin(), end_of_sequence_.end(), token) !=
          end_of_sequence_.end();
  }
  if (end || generated() == max_new_tokens_) {
    result_.reason = end ? FinishReason::kEndOfSequence : FinishReason::kLength;
    ended_ = true;
  }
}

void HostSequence::append_forced_run() {
  ScopedSpan run(spans_, RunPhase::kForcedRun);
  const uint32_t before = generated();
  while (constraint_ && !ended_) {
    const Choices next = constraint_->choices(state_);
    if (next.kind != Choices::Kind::kForced) break;
    append(next.forced, false);
  }
  if (generated() == before) {
    run.drop();
  } else {
    run.set_args({.tokens = static_cast<int32_t>(generated() - before)});
  }
}

void HostSequence::sample(Sampler& sampler, const LogitRow& row) {
  const Draw draw = sampler.draw(row, choices(generated()), sampling_, key_, generated());
  if (draw.error != nullptr) {
    fail(fmt::format("generated token {}: {}", generated(), draw.error));
    return;
  }
  result_.masked_log_probability += draw.log_probability;
  append(draw.token, true);
  append_forced_run();
}

void HostSequence::audit(std::span<const float> logits, uint32_t index) {
  const TokenId token = tokens_[prompt_length_ + index];
  const Sampler::Audit audit = Sampler::audit(logits, choices(index), sampling_, token);
  if (audit.error != nullptr) {
    fail(fmt::format("generated token {}: {}", index, audit.error));
    return;
  }
  result_.raw_log_probability += audit.raw_log_probability;
  result_.log_kept_mass += audit.log_kept_mass;
  result_.audit.push_back({static_cast<float>(audit.raw_log_probability),
                           static_cast<float>(std::exp(audit.log_kept_mass)), audit.favourite,
                           static_cast<float>(audit.favourite_log_probability)});
  ++audited_;
}

Completion HostSequence::take_result() {
  result_.tokens.assign(tokens_.begin() + prompt_length_, tokens_.end());
  return std::move(result_);
}

}  // namespace molgen3d
