// Named sampling settings, with the names the study uses.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "engine/request.h"

namespace molgen3d {

/// `greedy`, `top_p_sampling1` .. `top_p_sampling16` (T 1.0, 1.0, 1.2, 1.4 in fours; top_p 1, 0.8,
/// 0.6, 0.4), `min_p_sampling1` .. `min_p_sampling12` (T 1.4, 1.2, 1.0, 0.8 in threes; min_p 0.1,
/// 0.075, 0.05), `qwen3` (T 0.7, top_p 0.8, top_k 20), `top_p_low_temperature` (T 0.8, top_p 0.8),
/// and `checkpoint`: what generation_config.json says, temperature 0 being greedy. Throws Error
/// listing the names for any other.
SamplingParams sampling_preset(const std::string& name, const GenerationConfig& checkpoint);

std::vector<std::string> sampling_preset_names();

/// "greedy", or "T 0.8, top_k off, top_p 0.95", and ", min_p 0.1" where that is on.
std::string describe(const SamplingParams& params);

}  // namespace molgen3d
