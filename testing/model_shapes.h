// Shapes of published models, for benchmarks and memory plans with random weights.
#pragma once

#include <optional>
#include <string_view>

#include "checkpoint/model_config.h"

namespace molgen3d {

/// Qwen3-0.6B: 596 M parameters.
inline ModelConfig qwen3_06b_shape() {
  ModelConfig config;
  config.architecture = ModelConfig::Architecture::kQwen3;
  config.layers = 28;
  config.hidden = 1024;
  config.intermediate = 3072;
  config.heads = 16;
  config.kv_heads = 8;
  config.head_dim = 128;
  config.vocabulary = 151936;
  config.max_positions = 40960;
  config.rms_norm_eps = 1e-6F;
  config.rope_theta = 1e6;
  config.tied_embeddings = true;
  return config;
}

/// The Llama of 380 M parameters that chemical language models were trained with.
inline ModelConfig llama_380m_shape() {
  ModelConfig config;
  config.architecture = ModelConfig::Architecture::kLlama;
  config.layers = 16;
  config.hidden = 1024;
  config.intermediate = 4096;
  config.heads = 16;
  config.kv_heads = 8;
  config.head_dim = 64;
  config.vocabulary = 128330;
  config.max_positions = 2048;
  config.rms_norm_eps = 1e-5F;
  config.rope_theta = 5e5;
  config.tied_embeddings = true;
  return config;
}

/// "qwen3-0.6b" or "llama-380m"; nothing for any other name.
inline std::optional<ModelConfig> model_shape(std::string_view name) {
  if (name == "qwen3-0.6b") return qwen3_06b_shape();
  if (name == "llama-380m") return llama_380m_shape();
  return std::nullopt;
}

}  // namespace molgen3d
