// Temporary directories and deliberately broken files for the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "testing/checkpoint_writer.h"

namespace molgen3d {

/// A directory of its own for each test, removed afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "molgen3d-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Error("no temporary directory");
    path_ = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// The message of the Error that `call` throws; fails the test when it throws none.
template <typename Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
#define EXPECT_CONTAINS(text, part) EXPECT_TRUE(molgen3d::contains(text, part)) << (text)

/// Bytes of a safetensors file with any header and `data` bytes of data.
inline std::string safetensors_bytes(const std::string& header, size_t data) {
  std::string file(8, '\0');
  for (size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return file + header + std::string(data, '\0');
}

/// A small shape with head_dim other than hidden / heads.
inline ModelConfig tiny_shape(ModelConfig::Architecture architecture, bool tied) {
  ModelConfig config;
  config.architecture = architecture;
  config.layers = 2;
  config.hidden = 16;
  config.intermediate = 24;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 6;
  config.vocabulary = 20;
  config.max_positions = 64;
  config.rope_theta = 5e5;
  config.tied_embeddings = tied;
  return config;
}

inline std::vector<NamedTensor> tensors_of(const Checkpoint& checkpoint) {
  std::vector<NamedTensor> tensors;
  for (const std::string& name : checkpoint.tensor_names()) {
    tensors.push_back({name, checkpoint.tensor(name)});
  }
  return tensors;
}

}  // namespace molgen3d
