// Where tests find the checkpoints that ship with molgen3d.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace molgen3d {

/// In $MOLGEN3D_MODELS, as the program looks (generation/model.h), or else in the source tree: a
/// test program may run where that is not.
inline std::filesystem::path shipped_model(const std::string& name) {
  if (const char* environment = std::getenv("MOLGEN3D_MODELS")) {
    const std::filesystem::path path = std::filesystem::path(environment) / name;
    if (std::filesystem::is_directory(path)) return path;
  }
  return std::filesystem::path(MOLGEN3D_SOURCE_DIR) / "models" / name;
}

}  // namespace molgen3d
