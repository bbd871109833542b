#include "checkpoint/model_config.h"

namespace molgen3d {

size_t size_of(DataType type) {
  return type == DataType::kFloat32 ? 4 : 2;
}

const char* data_type_name(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return "float32";
    case DataType::kFloat16:
      return "float16";
    case DataType::kBFloat16:
      return "bfloat16";
  }
  return "unknown";
}

size_t ModelConfig::layer_parameters() const {
  const auto width = static_cast<size_t>(hidden);
  const auto head = static_cast<size_t>(head_dim);
  const size_t query = static_cast<size_t>(heads) * head;
  const size_t key = static_cast<size_t>(kv_heads) * head;
  const size_t attention = width * (2 * query + 2 * key) + (has_qk_norm() ? 2 * head : 0);
  const size_t feed_forward = 3 * width * static_cast<size_t>(intermediate);
  return static_cast<size_t>(layers) * (attention + feed_forward + 2 * width) + width;
}

size_t ModelConfig::output_parameters() const {
  return static_cast<size_t>(vocabulary) * static_cast<size_t>(hidden);
}

size_t ModelConfig::total_parameters() const {
  return layer_parameters() + (tied_embeddings ? 1 : 2) * output_parameters();
}

}  // namespace molgen3d
