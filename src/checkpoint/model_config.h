// Shape and settings of a model, from config.json and its companions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace molgen3d {

enum class DataType : uint8_t { kFloat32, kFloat16, kBFloat16 };
size_t size_of(DataType type);  ///< bytes of one element
const char* data_type_name(DataType type);

/// Frequency scaling of Llama 3.1 (`rope_type` "llama3").
struct Llama3RopeScaling {
  double factor = 8;
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  double original_max_positions = 8192;
};

struct ModelConfig {
  enum class Architecture : uint8_t { kQwen3, kLlama };
  Architecture architecture = Architecture::kQwen3;
  int layers = 0;
  int hidden = 0;        ///< width of the residual stream
  int intermediate = 0;  ///< width of the feed-forward network
  int heads = 0;         ///< query heads
  int kv_heads = 0;      ///< key-value heads; divides `heads`
  int head_dim = 0;
  int vocabulary = 0;  ///< rows of the embedding and output matrices, padding included
  int max_positions = 0;
  float rms_norm_eps = 1e-6F;
  double rope_theta = 10000;
  std::optional<Llama3RopeScaling> rope_scaling;
  bool tied_embeddings = false;
  DataType data_type = DataType::kBFloat16;  ///< as stored

  bool has_qk_norm() const { return architecture == Architecture::kQwen3; }
  /// Key and value elements of one token over all layers.
  size_t kv_elements_per_token() const {
    return 2 * static_cast<size_t>(layers) * static_cast<size_t>(kv_heads) *
           static_cast<size_t>(head_dim);
  }
  size_t layer_parameters() const;   ///< all layers with the final norm
  size_t output_parameters() const;  ///< one output matrix
  size_t total_parameters() const;   ///< tied matrices counted once
};

}  // namespace molgen3d
