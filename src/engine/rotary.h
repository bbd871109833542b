// Frequencies of the rotary embedding, for the backends' tables. The oracle in testing/ computes
// its own, so that a mistake here shows.
#pragma once

#include <vector>

#include "checkpoint/model_config.h"

namespace molgen3d {

/// Radians per position of each pair of elements, [head_dim / 2], in double precision. With the
/// scaling that Llama 3.1 stretches long wavelengths by, where the configuration has it
/// (transformers, modeling_rope_utils.py, _compute_llama3_parameters).
std::vector<double> rotary_inverse_frequencies(const ModelConfig& config);

}  // namespace molgen3d
