// Weights from a checkpoint into the layouts of the kernels.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/cuda/cuda_model.h"
#include "engine/cuda/model_memory.h"
#include "engine/rotary.h"

namespace molgen3d::cuda {
namespace {

using Bf16 = __nv_bfloat16;

SourceType source_type(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return SourceType::kFloat32;
    case DataType::kFloat16:
      return SourceType::kFloat16;
    case DataType::kBFloat16:
      break;
  }
  return SourceType::kBFloat16;
}

/// Copies tensors through one staging buffer and packs them on the device.
class Loader {
 public:
  explicit Loader(const Stream& stream) : stream_(stream), staging_(kBytes, "weight staging") {}

  void matrix(const TensorView& tensor, Bf16* out, int out_depth, int first_feature,
              int interleave) {
    const int depth = static_cast<int>(tensor.shape[1]),
              features = static_cast<int>(tensor.shape[0]);
    const size_t row_bytes = static_cast<size_t>(depth) * size_of(tensor.type);
    const int chunk =
        static_cast<int>(std::min<size_t>(static_cast<size_t>(features), kBytes / row_bytes));
    for (int row = 0; row < features; row += chunk) {
      PackArguments a;
      a.source = staging_.data();
      a.type = source_type(tensor.type);
      a.features = std::min(chunk, features - row);
      a.depth = depth;
      a.out = out;
      a.out_depth = out_depth;
      a.first_row = row;
      a.first_feature = first_feature;
      a.interleave = interleave;
      copy(tensor.bytes.data() + static_cast<size_t>(row) * row_bytes,
           static_cast<size_t>(a.features) * row_bytes);
      pack_weights(stream_, a);
    }
  }
  void vector(const TensorView& tensor, Bf16* out) {
    copy(tensor.bytes.data(), tensor.bytes.size());
    convert_vector(stream_, staging_.data(), source_type(tensor.type), tensor.elements(), out);
  }

 private:
  static constexpr size_t kBytes = size_t{64} << 20;
  void copy(const std::byte* from, size_t bytes) {
    check(cudaMemcpyAsync(staging_.data(), from, bytes, cudaMemcpyHostToDevice, stream_.stream),
          "copy of weights");
  }
  Stream stream_;
  DeviceMemory staging_;
};

/// As Hugging Face: cosine and sine rounded to the compute type.
float to_bf16_and_back(double x) {
  return __bfloat162float(__float2bfloat16(static_cast<float>(x)));
}

}  // namespace

void CudaModel::load(const Checkpoint& checkpoint) {
  const Padding pad(config_);
  Loader loader(stream_);
  const int head = config_.head_dim;
  for (int i = 0; i < config_.layers; ++i) {
    const LayerWeights& layer = weights_.layers[static_cast<size_t>(i)];
    const auto tensor = [&](const char* part) {
      return checkpoint.tensor(fmt::format("model.layers.{}.{}.weight", i, part));
    };
    loader.matrix(tensor("self_attn.q_proj"), layer.project, pad.hidden, 0, 0);
    loader.matrix(tensor("self_attn.k_proj"), layer.project, pad.hidden, config_.heads * head, 0);
    loader.matrix(tensor("self_attn.v_proj"), layer.project, pad.hidden,
                  (config_.heads + config_.kv_heads) * head, 0);
    loader.matrix(tensor("self_attn.o_proj"), layer.attention_out, pad.attention, 0, 0);
    loader.matrix(tensor("mlp.gate_proj"), layer.gate_up, pad.hidden, 0, 1);
    loader.matrix(tensor("mlp.up_proj"), layer.gate_up, pad.hidden, 0, 2);
    loader.matrix(tensor("mlp.down_proj"), layer.down, pad.inner, 0, 0);
    loader.vector(tensor("input_layernorm"), layer.input_norm);
    loader.vector(tensor("post_attention_layernorm"), layer.post_norm);
    if (config_.has_qk_norm()) {
      loader.vector(tensor("self_attn.q_norm"), layer.query_norm);
      loader.vector(tensor("self_attn.k_norm"), layer.key_norm);
    }
  }
  loader.matrix(checkpoint.tensor("model.embed_tokens.weight"), weights_.embedding, pad.hidden, 0,
                0);
  if (!config_.tied_embeddings) {
    loader.matrix(checkpoint.tensor("lm_head.weight"), weights_.output, pad.hidden, 0, 0);
  }
  loader.vector(checkpoint.tensor("model.norm.weight"), weights_.final_norm);

  const std::vector<double> frequencies = rotary_inverse_frequencies(config_);
  std::vector<float2> rotation;
  rotation.reserve(static_cast<size_t>(extent_.context) * frequencies.size());
  for (int position = 0; position < extent_.context; ++position) {
    for (const double frequency : frequencies) {
      const double angle = position * frequency;
      rotation.push_back({to_bf16_and_back(std::cos(angle)), to_bf16_and_back(std::sin(angle))});
    }
  }
  check(cudaMemcpyAsync(weights_.rotation, rotation.data(), rotation.size() * sizeof(float2),
                        cudaMemcpyHostToDevice, stream_.stream),
        "copy of rotary tables");
  check(cudaStreamSynchronize(stream_.stream), "loading weights");
}

void CudaModel::gather(std::span<const TokenId> ids) {
  std::vector<int> columns(static_cast<size_t>(config_.vocabulary), -1);
  for (size_t i = 0; i < ids.size(); ++i)
    columns[static_cast<size_t>(ids[i])] = static_cast<int>(i);
  check(cudaMemcpyAsync(scratch_.column_of, columns.data(), columns.size() * sizeof(int),
                        cudaMemcpyHostToDevice, stream_.stream),
        "copy of the column table");
  check(cudaMemcpyAsync(scratch_.gathered_ids, ids.data(), ids.size_bytes(), cudaMemcpyHostToDevice,
                        stream_.stream),
        "copy of the gathered ids");
  gather_weights(stream_, weights_.output, Padding(config_).hidden, scratch_.gathered_ids,
                 static_cast<int>(ids.size()), scratch_.gathered_rows);
  check(cudaStreamSynchronize(stream_.stream), "gathering output rows");
}

}  // namespace molgen3d::cuda
