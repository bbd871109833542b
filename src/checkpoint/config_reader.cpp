#include "checkpoint/config_reader.h"

#include <algorithm>

#include "base/error.h"

namespace molgen3d {
namespace {

// Far above any model of these families; keeps every product of two sizes inside 64 bits.
constexpr int64_t kMostLayers = 1024;
constexpr int64_t kMostWidth = 1 << 20;
constexpr int64_t kMostHeadDim = 1024;
constexpr int64_t kMostVocabulary = 1 << 24;
constexpr int64_t kMostPositions = 1 << 30;

using Architecture = ModelConfig::Architecture;

bool read_architecture(const JsonFields& fields, Architecture& architecture) {
  const nlohmann::json* const list = fields.find("architectures");
  std::string name;
  if (list != nullptr) {
    if (list->is_array() && list->size() == 1 && list->front().is_string()) {
      name = list->front().get<std::string>();
    }
  } else if (const auto type = fields.string("model_type")) {
    name = *type == "qwen3" ? "Qwen3ForCausalLM" : *type == "llama" ? "LlamaForCausalLM" : *type;
  }
  if (name == "Qwen3ForCausalLM") {
    architecture = Architecture::kQwen3;
  } else if (name == "LlamaForCausalLM") {
    architecture = Architecture::kLlama;
  } else {
    fields.refuse("architectures", "only Qwen3ForCausalLM and LlamaForCausalLM are supported");
    return false;
  }
  return true;
}

int required(const JsonFields& fields, const char* key, int64_t most) {
  if (!fields.has(key)) fields.problem(fmt::format("{} is missing", key));
  return static_cast<int>(fields.integer(key, 1, most).value_or(0));
}

void read_shape(const JsonFields& fields, const nlohmann::json& object, ModelConfig& model) {
  model.layers = required(fields, "num_hidden_layers", kMostLayers);
  model.hidden = required(fields, "hidden_size", kMostWidth);
  model.intermediate = required(fields, "intermediate_size", kMostWidth);
  model.heads = required(fields, "num_attention_heads", kMostWidth);
  model.vocabulary = required(fields, "vocab_size", kMostVocabulary);
  const bool qwen = model.architecture == Architecture::kQwen3;
  model.max_positions = static_cast<int>(
      fields.integer("max_position_embeddings", 1, kMostPositions).value_or(qwen ? 32768 : 2048));
  if (!fields.has("num_key_value_heads")) {
    model.kv_heads = model.heads;
  } else {
    model.kv_heads =
        static_cast<int>(fields.integer("num_key_value_heads", 1, kMostWidth).value_or(0));
    if (model.heads > 0 && model.kv_heads > 0 && model.heads % model.kv_heads != 0) {
      fields.refuse("num_key_value_heads",
                    fmt::format("must divide num_attention_heads {}", model.heads));
    }
  }
  if (fields.has("head_dim")) {
    model.head_dim = static_cast<int>(fields.integer("head_dim", 1, kMostHeadDim).value_or(0));
  } else if (qwen && !object.contains("head_dim")) {
    model.head_dim = 128;  // the default of Qwen3Config, whatever hidden_size / heads gives
  } else if (model.heads > 0 && model.hidden > 0) {
    if (model.hidden % model.heads != 0) {
      fields.problem(
          fmt::format("head_dim is missing and hidden_size {} is no multiple of {} heads",
                      model.hidden, model.heads));
    }
    model.head_dim = model.hidden / model.heads;
  }
  if (model.head_dim % 2 != 0) {
    fields.problem(fmt::format("head_dim {} is odd: rotary positions need pairs", model.head_dim));
  }
}

void read_llama3_scaling(const JsonFields& rope, ModelConfig& model) {
  Llama3RopeScaling scaling;
  const auto part = [&](const char* key, double least, double& value) {
    if (!rope.has(key)) rope.problem(fmt::format("{} is missing (rope type llama3)", key));
    if (const auto given = rope.number(key, least, 1e9)) value = *given;
  };
  part("factor", 1.0, scaling.factor);
  part("low_freq_factor", 1e-6, scaling.low_frequency_factor);
  part("high_freq_factor", 1e-6, scaling.high_frequency_factor);
  part("original_max_position_embeddings", 1.0, scaling.original_max_positions);
  if (scaling.high_frequency_factor <= scaling.low_frequency_factor) {
    rope.refuse("high_freq_factor",
                fmt::format("must be above low_freq_factor {}", scaling.low_frequency_factor));
  }
  model.rope_scaling = scaling;
}

/// transformers 5 writes `rope_parameters` {rope_theta, rope_type, ...}; 4 wrote `rope_theta`
/// beside `rope_scaling` {rope_type or type, ...}. Where both stand they must agree.
void read_rope(const JsonFields& fields, const std::string& place, Problems& problems,
               ModelConfig& model) {
  constexpr double kMostTheta = 1e12;
  std::optional<double> theta = fields.number("rope_theta", 1.0, kMostTheta);
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    const nlohmann::json* const object = fields.find(key);
    if (object == nullptr) continue;
    if (!object->is_object()) {
      fields.refuse(key, "must be an object");
      continue;
    }
    const JsonFields rope(*object, place + ": " + key, problems);
    if (const auto inner = rope.number("rope_theta", 1.0, kMostTheta)) {
      if (theta && *theta != *inner) {
        rope.refuse("rope_theta", fmt::format("contradicts rope_theta {} elsewhere", *theta));
      }
      theta = inner;
    }
    const char* const type_key = rope.has("rope_type") ? "rope_type" : "type";
    const std::string type = rope.string(type_key).value_or("default");
    if (type == "llama3") {
      const auto before = model.rope_scaling;
      read_llama3_scaling(rope, model);
      const auto& now = *model.rope_scaling;
      if (before && (before->factor != now.factor ||
                     before->low_frequency_factor != now.low_frequency_factor ||
                     before->high_frequency_factor != now.high_frequency_factor ||
                     before->original_max_positions != now.original_max_positions)) {
        rope.problem("contradicts rope_parameters");
      }
    } else if (type != "default") {
      rope.refuse(type_key, "unknown rope type; supported: default, llama3");
    }
    if (rope.number("partial_rotary_factor", 0, 1e9).value_or(1.0) != 1.0) {
      rope.refuse("partial_rotary_factor", "partial rotary positions are not supported");
    }
    for (const char* nested : {"full_attention", "sliding_attention"}) {
      if (rope.has(nested)) rope.refuse(nested, "settings per layer type are not supported");
    }
  }
  if (!theta && model.architecture == Architecture::kQwen3) {
    fields.problem("rope_theta is missing (also looked for in rope_parameters)");
  }
  model.rope_theta = theta.value_or(10000.0);  // Llama 1 and 2 leave the key out
}

void refuse_unsupported(const JsonFields& fields, const ModelConfig& model) {
  for (const char* key : {"attention_bias", "mlp_bias"}) {
    if (fields.boolean(key).value_or(false)) fields.refuse(key, "biases are not supported");
  }
  if (const auto act = fields.string("hidden_act"); act && *act != "silu") {
    fields.refuse("hidden_act", "only silu is supported");
  }
  if (fields.number("partial_rotary_factor", 0, 1e9).value_or(1.0) != 1.0) {
    fields.refuse("partial_rotary_factor", "partial rotary positions are not supported");
  }
  if (fields.has("quantization_config")) {
    fields.refuse("quantization_config", "quantized weights are not supported");
  }
  // With `layer_types` the layers are listed; without, layers from max_window_layers on slide.
  if (const nlohmann::json* const types = fields.find("layer_types")) {
    const bool full =
        types->is_array() && std::all_of(types->begin(), types->end(),
                                         [](auto& type) { return type == "full_attention"; });
    if (!full) fields.refuse("layer_types", "only full_attention is supported");
  } else if (fields.has("sliding_window")) {
    const bool slides =
        fields.boolean("use_sliding_window").value_or(model.architecture == Architecture::kLlama);
    const int64_t first = fields.integer("max_window_layers", 0, INT32_MAX).value_or(0);
    if (slides && first < model.layers) {
      fields.refuse("sliding_window", "sliding-window attention is not supported");
    }
  }
}

void read_data_type(const JsonFields& fields, ModelConfig& model) {
  for (const char* key : {"torch_dtype", "dtype"}) {
    auto name = fields.string(key);
    if (!name) continue;
    if (name->rfind("torch.", 0) == 0) name->erase(0, 6);
    if (*name == "float32") {
      model.data_type = DataType::kFloat32;
    } else if (*name == "float16") {
      model.data_type = DataType::kFloat16;
    } else if (*name == "bfloat16") {
      model.data_type = DataType::kBFloat16;
    } else {
      fields.refuse(key, "supported: float32, float16, bfloat16");
    }
  }
}

}  // namespace

ConfigFile read_config(const nlohmann::json& object, const std::string& place, Problems& problems) {
  ConfigFile file;
  const JsonFields fields(object, place, problems);
  if (!read_architecture(fields, file.model.architecture)) return file;
  read_shape(fields, object, file.model);
  file.model.rms_norm_eps = static_cast<float>(fields.number("rms_norm_eps", 0, 1).value_or(1e-6));
  read_rope(fields, place, problems, file.model);
  refuse_unsupported(fields, file.model);
  file.model.tied_embeddings = fields.boolean("tie_word_embeddings").value_or(false);
  read_data_type(fields, file.model);
  file.end_of_sequence =
      fields.integers("eos_token_id", 0, std::max<int64_t>(file.model.vocabulary, 1) - 1);
  return file;
}

}  // namespace molgen3d
