// Small random models and a constraint written out by hand, for tests of the engine and its
// backends.
#pragma once

#include <memory>
#include <random>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "constraint/constraint.h"
#include "testing/random_weights.h"

namespace molgen3d::test {

inline ModelConfig tiny_config(ModelConfig::Architecture architecture, int head_dim, int group) {
  ModelConfig config;
  config.architecture = architecture;
  config.layers = 2;
  config.hidden = 96;
  config.intermediate = 160;
  config.kv_heads = 2;
  config.heads = 2 * group;
  config.head_dim = head_dim;
  config.vocabulary = 131;  // no multiple of any vector width
  config.max_positions = 256;
  config.tied_embeddings = architecture == ModelConfig::Architecture::kQwen3;
  if (architecture == ModelConfig::Architecture::kLlama) {
    config.rms_norm_eps = 1e-5F;
    config.rope_scaling = Llama3RopeScaling{8, 1, 4, 64};
  }
  return config;
}

inline std::shared_ptr<const Checkpoint> tiny_model(
    ModelConfig::Architecture architecture = ModelConfig::Architecture::kQwen3, int head_dim = 64,
    int group = 2, DataType type = DataType::kFloat32, uint64_t seed = 1) {
  return random_checkpoint(tiny_config(architecture, head_dim, group), seed, type);
}

inline std::vector<TokenId> random_prompt(uint64_t seed, size_t length, int vocabulary) {
  std::mt19937_64 random(seed);
  std::vector<TokenId> prompt(length);
  for (TokenId& id : prompt) {
    id = static_cast<TokenId>(random() % static_cast<uint64_t>(vocabulary));
  }
  return prompt;
}

/// `holes` numbers between literals: literal (3 forced tokens), then 1..`most_digits` digits, ended
/// by the next literal's first token; end of sequence at the last. Digits are ids 10..19, a literal
/// begins with id 40, the end is id 2.
class TinyTemplate : public Constraint {
 public:
  static constexpr TokenId kEnd = 2, kFirstDigit = 10, kLiteral = 40;

  TinyTemplate(uint32_t holes, uint32_t most_digits) : holes_(holes), most_digits_(most_digits) {
    for (TokenId d = 0; d < 10; ++d) digits_.push_back(kFirstDigit + d);
    digits_or_literal_ = digits_;
    digits_or_literal_.push_back(kLiteral);
    digits_or_end_ = digits_;
    digits_or_end_.insert(digits_or_end_.begin(), kEnd);
    reachable_ = digits_or_end_;
    reachable_.push_back(kLiteral);
  }

  // Segment: hole number. Node: 0, 1, 2 the literal's tokens, 3 + d after d digits.
  ConstraintState start() const override { return {}; }
  Choices choices(ConstraintState state) const override {
    Choices choices;
    if (state.node < 3) {
      choices.kind = Choices::Kind::kForced;
      choices.forced = kLiteral + static_cast<TokenId>(state.node);
    } else if (state.node - 3 == most_digits_) {
      choices.kind = Choices::Kind::kForced;
      choices.forced = last(state) ? kEnd : kLiteral;
    } else {
      choices.kind = Choices::Kind::kListed;
      choices.listed = state.node == 3 ? digits_
                       : last(state)   ? digits_or_end_
                                       : digits_or_literal_;
    }
    return choices;
  }
  ConstraintState advance(ConstraintState state, TokenId token) const override {
    if (token == kEnd) return {holes_, 0};
    if (state.node >= 3 && token == kLiteral) return {state.segment + 1, 1};
    return {state.segment, state.node + 1};
  }
  bool finished(ConstraintState state) const override { return state.segment == holes_; }
  size_t min_tokens() const override { return holes_ * 4 + 1; }
  size_t max_tokens() const override { return holes_ * (3 + most_digits_) + 1; }
  std::span<const TokenId> reachable() const override { return reachable_; }

 private:
  bool last(ConstraintState state) const { return state.segment + 1 == holes_; }
  uint32_t holes_, most_digits_;
  std::vector<TokenId> digits_, digits_or_literal_, digits_or_end_, reachable_;
};

}  // namespace molgen3d::test
