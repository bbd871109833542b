// What a model directory holds and everything that is wrong with it, for people and machines.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace molgen3d {

struct ModelReport {
  std::filesystem::path directory;
  std::optional<ModelConfig> config;  ///< absent when config.json cannot be used
  GenerationConfig generation;
  ConformerFormat format;
  std::vector<std::filesystem::path> weight_files;
  size_t weight_file_bytes = 0;
  size_t tensors = 0;
  std::optional<size_t>
      tokenizer_ids;               ///< one more than its largest id; absent without tokenizer.json
  std::vector<std::string> notes;  ///< worth knowing, not wrong
  std::vector<std::string> problems;  ///< each makes the model unusable; one line each

  bool usable() const { return problems.empty(); }
};

/// Reads the whole directory, every weight included, and collects all problems instead of stopping
/// at the first. Does not throw for what it finds there.
ModelReport describe_checkpoint(const std::filesystem::path& directory);

/// Lines "name  value unit", then notes and problems; ends with a newline.
std::string to_text(const ModelReport& report);
/// One JSON object, indented; sizes in bytes.
std::string to_json(const ModelReport& report);

}  // namespace molgen3d
