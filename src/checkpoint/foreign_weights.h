// What a directory without safetensors weights, or without a tokenizer.json, holds instead.
#pragma once

#include <filesystem>
#include <string>

namespace molgen3d {

/// One clause that names weights of another form in `directory` (an adapter, PyTorch or TensorFlow
/// files, GGUF) and what to do; empty when there are none. Does not throw.
std::string foreign_weights(const std::filesystem::path& directory);

/// The same for a directory without tokenizer.json.
std::string foreign_tokenizer(const std::filesystem::path& directory);

}  // namespace molgen3d
