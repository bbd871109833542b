// Tokenizers for tests: the committed ones, and ones made by editing their JSON.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tokenizer/tokenizer.h"

namespace molgen3d::testing {

inline std::string golden_path(const std::string& name) {
  return std::string(MOLGEN3D_SOURCE_DIR) + "/tests/tokenizer/golden/" + name + ".json";
}

inline nlohmann::json golden_json(const std::string& name) {
  std::ifstream file(golden_path(name));
  return nlohmann::json::parse(file);
}

inline std::shared_ptr<const Tokenizer> load(const nlohmann::json& json) {
  return Tokenizer::from_json(json.dump(), "test.json");
}

/// The error of loading `text`; empty when it loads.
std::string error_of(const std::string& text);

}  // namespace molgen3d::testing
