// Which tensors a model of a given shape consists of, by Hugging Face name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/model_config.h"

namespace molgen3d {

struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape;  ///< matrices are [outputs, inputs], row-major
  bool is_norm() const { return shape.size() == 1; }
};

/// In the order of the forward pass. "lm_head.weight" is the last one, and absent when tied.
std::vector<ExpectedTensor> tensor_layout(const ModelConfig& config);

/// Buffers that older exports saved with the weights and every reader recomputes.
bool is_recomputed_buffer(const std::string& name);

/// "[2, 3]"
std::string shape_text(const std::vector<int64_t>& shape);

}  // namespace molgen3d
