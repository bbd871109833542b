// Writes safetensors files and model directories.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace molgen3d {

struct NamedTensor {
  std::string name;
  TensorView tensor;
};

/// Writes the tensors in the given order; the header is padded so that data begin on 8 bytes.
/// Throws Error when the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors);

/// config.json (transformers 5 spelling) of a configuration, as text.
std::string config_json(const ModelConfig& config, std::span<const int32_t> end_of_sequence);

/// config.json, generation_config.json and model.safetensors in `directory`, which is created.
/// Checkpoint::open reads it back; the tokenizer is the caller's to add.
void write_checkpoint(const std::filesystem::path& directory, const ModelConfig& config,
                      std::span<const int32_t> end_of_sequence,
                      std::span<const NamedTensor> tensors);
void write_checkpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint);

}  // namespace molgen3d
