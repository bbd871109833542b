// Reads everything of a model directory but the tokenizer, and collects what is wrong with it.
// Checkpoint::open and the model report share it. Private to this room.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/json_fields.h"
#include "checkpoint/mapped_file.h"

namespace molgen3d {

struct ModelDirectory {
  std::optional<ModelConfig> config;  ///< absent when config.json has problems
  GenerationConfig generation;
  ConformerFormat format;
  std::vector<std::filesystem::path> weight_files;
  std::map<std::string, TensorView, std::less<>> tensors;  ///< views into `storage`
  std::vector<std::shared_ptr<const void>> storage;
  std::vector<std::shared_ptr<const MappedFile>> files;  ///< of weights, as far as they were read
  Problems problems;                                     ///< any of these makes the model unusable
  std::vector<std::string> ignored;                      ///< tensors present and rightly not used
};

/// Never throws Error for the contents: everything found goes to `problems`.
ModelDirectory read_model_directory(const std::filesystem::path& directory);

/// At most `limit` items joined with ", ", then "and N more".
std::string joined_list(const std::vector<std::string>& items, size_t limit = 20);

}  // namespace molgen3d
