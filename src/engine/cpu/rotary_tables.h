// Cosines and sines of the rotary embedding for every position that a backend was planned for.
#pragma once

#include "checkpoint/model_config.h"
#include "engine/cpu/huge_buffer.h"

namespace molgen3d::cpu {

class RotaryTables {
 public:
  /// `positions` rows of head_dim / 2 values in each table. `rounded`: to bf16, as Hugging Face
  /// casts both tables to the compute type. Throws Error when memory is lacking.
  RotaryTables(const ModelConfig& config, size_t positions, bool rounded);

  const float* cosines(size_t position) const { return cosines_ + position * half_; }
  const float* sines(size_t position) const { return sines_ + position * half_; }

 private:
  void round_to_bfloat16(float* table, size_t size);

  size_t half_;  ///< of head_dim
  HugeBuffer memory_;
  float *cosines_, *sines_;  ///< [positions, half]
};

}  // namespace molgen3d::cpu
