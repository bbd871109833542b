#include "engine/cuda/cuda_model.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/cuda/gemm.h"
#include "engine/reference/reference_operations.h"

namespace molgen3d::cuda {
namespace {

using Bf16 = __nv_bfloat16;

/// Dimensions as the layouts pad them.
struct Padding {
  explicit Padding(const ModelConfig& config)
      : hidden(padded(config.hidden, 64)),
        attention(padded(config.heads * config.head_dim, 64)),
        inner(padded(config.intermediate, 64)),
        projected((config.heads + 2 * config.kv_heads) * config.head_dim) {}
  int hidden, attention, inner;
  int projected;  ///< not padded
};

size_t matrix(int features, int depth) {
  return static_cast<size_t>(padded(features, 64)) * static_cast<size_t>(depth);
}

void carve_weights(Carver& carver, const ModelConfig& config, const Extent& extent,
                   ModelWeights& weights) {
  const Padding pad(config);
  weights.layers.resize(static_cast<size_t>(config.layers));
  for (LayerWeights& layer : weights.layers) {
    carver.take(layer.project, matrix(pad.projected, pad.hidden));
    carver.take(layer.attention_out, matrix(config.hidden, pad.attention));
    carver.take(layer.gate_up, matrix(2 * config.intermediate, pad.hidden));
    carver.take(layer.down, matrix(config.hidden, pad.inner));
    carver.take(layer.input_norm, static_cast<size_t>(config.hidden));
    carver.take(layer.post_norm, static_cast<size_t>(config.hidden));
    layer.query_norm = layer.key_norm = nullptr;
    if (config.has_qk_norm()) {
      carver.take(layer.query_norm, static_cast<size_t>(config.head_dim));
      carver.take(layer.key_norm, static_cast<size_t>(config.head_dim));
    }
  }
  carver.take(weights.embedding, matrix(config.vocabulary, pad.hidden));
  weights.output = weights.embedding;
  if (!config.tied_embeddings) carver.take(weights.output, matrix(config.vocabulary, pad.hidden));
  carver.take(weights.final_norm, static_cast<size_t>(config.hidden));
  carver.take(weights.rotation,
              static_cast<size_t>(extent.context) * static_cast<size_t>(config.head_dim / 2));
}

int splits_of(const ModelConfig& config) {
  const Padding pad(config);
  return std::max(gemm_splits(pad.attention), gemm_splits(pad.inner));
}

/// Tiles of a pass: one partly filled per sequence, the rest full.
int items_of(const ModelConfig& config, const Extent& extent) {
  const int group = config.heads / config.kv_heads;
  return static_cast<int>(extent.slots) * 32 + group * extent.max_rows / 16 + 256;
}
int partials_of(const ModelConfig& config, const Extent& extent) {
  return std::max(1024, static_cast<int>(extent.slots) * (config.heads / config.kv_heads) * 16);
}
size_t pages_per_slot(const Extent& extent) {
  return (static_cast<size_t>(extent.context) + kPageTokens - 1) / kPageTokens;
}

void carve_scratch(Carver& carver, const ModelConfig& config, const Extent& extent, Scratch& s) {
  const Padding pad(config);
  const auto count = [](auto a, auto b) { return static_cast<size_t>(a) * static_cast<size_t>(b); };
  const int rows = extent.max_rows;
  const int tile_rows = padded(rows, 128) + 128;  // whole tiles of any height
  const int slots = static_cast<int>(extent.slots);
  const int slot_rows = padded(slots, 128) + 128;
  carver.take(s.residual, count(rows, config.hidden));
  carver.take(s.normed, count(tile_rows, pad.hidden));
  carver.take(s.projected, count(rows, pad.projected));
  carver.take(s.attention, count(tile_rows, pad.attention));
  carver.take(s.feed, count(tile_rows, pad.inner));
  carver.take(s.final_normed, count(slot_rows, pad.hidden));
  carver.take(s.partial, count(splits_of(config), count(rows, config.hidden)));
  carver.take(s.logits, count(slots, std::max(config.vocabulary, kGatherCapacity)));
  const int items = items_of(config, extent), partials = partials_of(config, extent);
  const int dim = padded_head_dim(config.head_dim);
  carver.take(s.attention_partial, count(partials, count(config.kv_heads, dim)));
  carver.take(s.attention_stats, count(partials, config.kv_heads));
  carver.take(s.attention_counters, count(items, config.kv_heads));
  carver.take(s.tables.rows, 1);
  carver.take(s.tables.items, 1);
  carver.take(s.tables.row_token, static_cast<size_t>(rows));
  carver.take(s.tables.row_place, static_cast<size_t>(rows));
  carver.take(s.tables.sequence_rows, extent.slots);
  carver.take(s.tables.sample_row, static_cast<size_t>(std::max(rows, slots)));
  carver.take(s.tables.item, static_cast<size_t>(items));
  carver.take(s.slots, extent.slots);
  carver.take(s.tokens, count(slots, extent.context));
  carver.take(s.pages, extent.slots * pages_per_slot(extent));
  carver.take(s.active, count(2, slots + 1));
  carver.take(s.programs, extent.slots * kProgramWords);
  carver.take(s.gathered_ids, static_cast<size_t>(kGatherCapacity));
  carver.take(s.column_of, static_cast<size_t>(config.vocabulary));
  carver.take(s.gathered_rows, count(kGatherCapacity, pad.hidden));
}

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

MemoryPlan CudaModel::memory(const ModelConfig& config, const Extent& extent) {
  MemoryPlan plan;
  ModelWeights weights;
  Carver weight_carver;
  carve_weights(weight_carver, config, extent, weights);
  Scratch scratch;
  Carver scratch_carver;
  carve_scratch(scratch_carver, config, extent, scratch);
  plan.weight_bytes = weight_carver.used();
  plan.scratch_bytes = scratch_carver.used();
  plan.page_bytes = static_cast<size_t>(2 * config.layers * config.kv_heads) *
                    static_cast<size_t>(padded_head_dim(config.head_dim)) * kPageTokens *
                    sizeof(Bf16);
  plan.pages = extent.pages;
  plan.slots = extent.slots;
  return plan;
}

CudaModel::CudaModel(const Checkpoint& checkpoint, const Extent& extent,
                     const BackendOptions& options, cudaStream_t stream)
    : config_(checkpoint.config()), extent_(extent), options_(options), stream_{stream, true} {
  const MemoryPlan plan = memory(config_, extent);
  weight_memory_ = DeviceMemory(plan.weight_bytes, "weights");
  scratch_memory_ = DeviceMemory(plan.scratch_bytes, "scratch");
  cache_ = DeviceMemory(plan.page_bytes * plan.pages, "key-value cache");
  Carver weight_carver(weight_memory_.data()), scratch_carver(scratch_memory_.data());
  carve_weights(weight_carver, config_, extent_, weights_);
  carve_scratch(scratch_carver, config_, extent_, scratch_);
  check(cudaMemsetAsync(weight_memory_.data(), 0, plan.weight_bytes, stream), "memset");
  check(cudaMemsetAsync(scratch_memory_.data(), 0, plan.scratch_bytes, stream), "memset");
  // Unwritten keys are NaN, so that reading one shows.
  check(cudaMemsetAsync(cache_.data(), 0xFF, cache_.size(), stream), "memset");
  prepare_gemm();
  prepare_attention();
  resident_blocks_ = attention_resident_blocks(config_.head_dim);
  item_capacity_ = items_of(config_, extent_);
  partial_capacity_ = partials_of(config_, extent_);
  load(checkpoint);
}

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

int CudaModel::page_stride() const {
  return static_cast<int>(pages_per_slot(extent_));
}

ActiveList CudaModel::active(bool prompts) const {
  const int* list = scratch_.active + (prompts ? 0 : extent_.slots + 1);
  return {list, list + 1};
}

GemmArguments CudaModel::product(const Bf16* weights, const Bf16* activations, int depth,
                                 int features, const StepShape& shape) const {
  GemmArguments a;
  a.weights = weights;
  a.activations = activations;
  a.row_count = scratch_.tables.rows;
  a.tile_rows = gemm_tile_rows(shape.row_budget);
  a.depth = depth;
  a.features = features;
  return a;
}

void CudaModel::norm(const Bf16* weight, bool add_partial, int splits, const StepShape& shape) {
  NormArguments a;
  a.width = config_.hidden;
  a.eps = config_.rms_norm_eps;
  a.residual = scratch_.residual;
  a.partial = add_partial ? scratch_.partial : nullptr;
  a.splits = splits;
  a.split_stride = static_cast<size_t>(extent_.max_rows) * static_cast<size_t>(config_.hidden);
  a.row_count = scratch_.tables.rows;
  a.weight = weight;
  a.out = scratch_.normed;
  a.out_tile_rows = gemm_tile_rows(shape.row_budget);
  a.out_depth = Padding(config_).hidden;
  residual_norm(stream_, a, shape.row_budget);
}

void CudaModel::embed(const StepShape& shape) {
  NormArguments a;
  a.width = config_.hidden;
  a.eps = config_.rms_norm_eps;
  a.residual = scratch_.residual;
  a.embedding = weights_.embedding;
  a.row_token = scratch_.tables.row_token;
  a.vocabulary = config_.vocabulary;
  a.row_count = scratch_.tables.rows;
  a.weight = weights_.layers[0].input_norm;
  a.out = scratch_.normed;
  a.out_tile_rows = gemm_tile_rows(shape.row_budget);
  a.out_depth = Padding(config_).hidden;
  residual_norm(stream_, a, shape.row_budget);
}

void CudaModel::project(int layer, const StepShape& shape) {
  const Padding pad(config_);
  GemmArguments a = product(weights_.layers[static_cast<size_t>(layer)].project, scratch_.normed,
                            pad.hidden, pad.projected, shape);
  a.out = scratch_.projected;
  a.out_stride = pad.projected;
  gemm(stream_, Epilogue::kBf16, a, shape.row_budget);
}

AttentionArguments CudaModel::attention(int layer, const StepShape& shape) const {
  const Padding pad(config_);
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  AttentionArguments a;
  a.projected = scratch_.projected;
  a.projected_stride = pad.projected;
  const size_t layer_elements = 2 * kPageTokens * static_cast<size_t>(config_.kv_heads) *
                                static_cast<size_t>(padded_head_dim(config_.head_dim));
  a.cache = cache_.as<Bf16>() + static_cast<size_t>(layer) * extent_.pages * layer_elements;
  a.pages = scratch_.pages;
  a.page_stride = page_stride();
  a.row_count = scratch_.tables.rows;
  a.row_place = scratch_.tables.row_place;
  a.items = scratch_.tables.item;
  a.item_count = scratch_.tables.items;
  a.rotation = weights_.rotation;
  a.query_norm = weights.query_norm;
  a.key_norm = weights.key_norm;
  a.eps = config_.rms_norm_eps;
  a.heads = config_.heads;
  a.kv_heads = config_.kv_heads;
  a.head_dim = config_.head_dim;
  a.out = scratch_.attention;
  a.out_tile_rows = gemm_tile_rows(shape.row_budget);
  a.out_depth = pad.attention;
  a.partial = scratch_.attention_partial;
  a.partial_stats = scratch_.attention_stats;
  a.counters = scratch_.attention_counters;
  return a;
}

void CudaModel::append(int layer, const StepShape& shape) {
  cuda::append(stream_, attention(layer, shape), shape.row_budget);
}

void CudaModel::attend(int layer, const StepShape& shape) {
  // Few sequences: 16 chunks (1,024 tokens) each in one go; blocks without work still cost a start.
  const int blocks = std::min(resident_blocks_, shape.max_active * config_.kv_heads * 16);
  cuda::attend(stream_, attention(layer, shape), blocks);
}

void CudaModel::add_attention_output(int layer, const StepShape& shape) {
  const Padding pad(config_);
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  GemmArguments a =
      product(weights.attention_out, scratch_.attention, pad.attention, config_.hidden, shape);
  a.splits = gemm_splits(pad.attention);
  a.out = scratch_.partial;
  a.out_stride = config_.hidden;
  a.split_stride = static_cast<size_t>(extent_.max_rows) * static_cast<size_t>(config_.hidden);
  gemm(stream_, Epilogue::kPartial, a, shape.row_budget);
  norm(weights.post_norm, true, a.splits, shape);
}

void CudaModel::feed_forward(int layer, const StepShape& shape) {
  const Padding pad(config_);
  GemmArguments a = product(weights_.layers[static_cast<size_t>(layer)].gate_up, scratch_.normed,
                            pad.hidden, 2 * config_.intermediate, shape);
  a.out = scratch_.feed;
  a.out_stride = pad.inner;
  gemm(stream_, Epilogue::kSwiGlu, a, shape.row_budget);
}

void CudaModel::add_feed_forward(int layer, const StepShape& shape) {
  const Padding pad(config_);
  GemmArguments a = product(weights_.layers[static_cast<size_t>(layer)].down, scratch_.feed,
                            pad.inner, config_.hidden, shape);
  a.splits = gemm_splits(pad.inner);
  a.out = scratch_.partial;
  a.out_stride = config_.hidden;
  a.split_stride = static_cast<size_t>(extent_.max_rows) * static_cast<size_t>(config_.hidden);
  gemm(stream_, Epilogue::kPartial, a, shape.row_budget);
  // The last layer's sum is taken by output(), for the rows that need it.
  if (layer + 1 < config_.layers) {
    norm(weights_.layers[static_cast<size_t>(layer) + 1].input_norm, true, a.splits, shape);
  } else if (shape.finish_residual) {
    norm(weights_.final_norm, true, a.splits, shape);
  }
}

void CudaModel::output(const StepShape& shape) {
  const Padding pad(config_);
  const ActiveList list = active(shape.prompts);
  NormArguments n;
  n.width = config_.hidden;
  n.eps = config_.rms_norm_eps;
  n.residual = scratch_.residual;
  n.partial = shape.finish_residual ? nullptr : scratch_.partial;
  n.splits = gemm_splits(pad.inner);
  n.split_stride = static_cast<size_t>(extent_.max_rows) * static_cast<size_t>(config_.hidden);
  n.row_count = list.count;
  n.row_map = scratch_.tables.sample_row;
  n.weight = weights_.final_norm;
  n.out = scratch_.final_normed;
  n.out_tile_rows = gemm_tile_rows(shape.max_active);
  n.out_depth = pad.hidden;
  residual_norm(stream_, n, shape.max_active);

  GemmArguments a;
  a.weights = shape.full_output ? weights_.output : scratch_.gathered_rows;
  a.activations = scratch_.final_normed;
  a.row_count = list.count;
  a.tile_rows = n.out_tile_rows;
  a.depth = pad.hidden;
  a.features = shape.full_output ? config_.vocabulary : shape.gathered;
  a.out = scratch_.logits;
  a.out_stride = logit_stride(shape.full_output);
  gemm(stream_, Epilogue::kPartial, a, shape.max_active);
}

void CudaModel::step(const StepShape& shape, bool first) {
  const ActiveList list = active(shape.prompts);
  PlanArguments p;
  p.active = list;
  p.slots = scratch_.slots;
  p.tokens = scratch_.tokens;
  p.token_stride = extent_.context;
  p.tables = scratch_.tables;
  p.row_budget = shape.row_budget;
  p.sequence_rows = shape.sequence_rows;
  p.group = config_.heads / config_.kv_heads;
  p.kv_heads = config_.kv_heads;
  p.attention_blocks = resident_blocks_;
  p.item_capacity = item_capacity_;
  p.partial_capacity = partial_capacity_;
  // What comes before the first kernel of a launch may be a copy, which cannot let it start early.
  const auto name = [](const char* operation, int layer = -1) {
    graph_operation = {operation, layer};
  };
  name("plan");
  plan_pass({stream_.stream, !first}, p, shape.max_active);
  name("embed");
  embed(shape);
  for (int layer = 0; layer < config_.layers; ++layer) {
    name("project", layer);
    project(layer, shape);
    name("append", layer);
    append(layer, shape);
    name("attend", layer);
    attend(layer, shape);
    name("attention output", layer);
    add_attention_output(layer, shape);
    name("feed forward", layer);
    feed_forward(layer, shape);
    name("feed forward output", layer);
    add_feed_forward(layer, shape);
  }
  name("output");
  output(shape);
  name("sample");
  SampleArguments s;
  s.active = list;
  s.slots = scratch_.slots;
  s.tokens = scratch_.tokens;
  s.token_stride = extent_.context;
  s.sequence_rows = scratch_.tables.sequence_rows;
  s.sample_row = scratch_.tables.sample_row;
  s.logits = scratch_.logits;
  s.logit_stride = logit_stride(shape.full_output);
  s.vocabulary = config_.vocabulary;
  s.column_of = shape.full_output ? nullptr : scratch_.column_of;
  s.merge_forced = shape.merge_forced ? 1 : 0;
  for (const TokenId id : options_.end_of_sequence) {
    if (s.end_count < kMaxEndIds) s.end_ids[s.end_count++] = id;
  }
  sample(stream_, s, shape.max_active);
  graph_operation = {};
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
