// config.json of Qwen3ForCausalLM and LlamaForCausalLM, as transformers 4 and 5 write it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/json_fields.h"
#include "checkpoint/model_config.h"

namespace molgen3d {

struct ConfigFile {
  ModelConfig model;
  std::vector<int32_t> end_of_sequence;  ///< `eos_token_id`, may be empty
};

/// Reads an already parsed config.json; `place` is its name in messages. Every setting that cannot
/// be honoured adds a line to `problems`: nothing is dropped silently that would change the logits.
/// When lines were added the result is not usable.
ConfigFile read_config(const nlohmann::json& object, const std::string& place, Problems& problems);

}  // namespace molgen3d
