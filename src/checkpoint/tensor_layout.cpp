#include "checkpoint/tensor_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace molgen3d {

std::vector<ExpectedTensor> tensor_layout(const ModelConfig& config) {
  const int64_t width = config.hidden;
  const int64_t head = config.head_dim;
  const int64_t query = config.heads * head;
  const int64_t key = config.kv_heads * head;
  const int64_t inner = config.intermediate;
  std::vector<ExpectedTensor> layout;
  layout.push_back({"model.embed_tokens.weight", {config.vocabulary, width}});
  for (int layer = 0; layer < config.layers; ++layer) {
    const auto add = [&](const char* part, std::vector<int64_t> shape) {
      layout.push_back({fmt::format("model.layers.{}.{}.weight", layer, part), std::move(shape)});
    };
    add("input_layernorm", {width});
    add("self_attn.q_proj", {query, width});
    add("self_attn.k_proj", {key, width});
    add("self_attn.v_proj", {key, width});
    if (config.has_qk_norm()) {
      add("self_attn.q_norm", {head});
      add("self_attn.k_norm", {head});
    }
    add("self_attn.o_proj", {width, query});
    add("post_attention_layernorm", {width});
    add("mlp.gate_proj", {inner, width});
    add("mlp.up_proj", {inner, width});
    add("mlp.down_proj", {width, inner});
  }
  layout.push_back({"model.norm.weight", {width}});
  if (!config.tied_embeddings) layout.push_back({"lm_head.weight", {config.vocabulary, width}});
  return layout;
}

bool is_recomputed_buffer(const std::string& name) {
  constexpr std::string_view kSuffix = ".rotary_emb.inv_freq";
  return name.size() >= kSuffix.size() &&
         name.compare(name.size() - kSuffix.size(), kSuffix.size(), kSuffix) == 0;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace molgen3d
