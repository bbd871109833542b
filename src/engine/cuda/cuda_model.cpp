#include "engine/cuda/cuda_model.h"

#include <algorithm>

#include "engine/cuda/gemm.h"
#include "engine/cuda/model_memory.h"

namespace molgen3d::cuda {
namespace {

using Bf16 = __nv_bfloat16;

/// Sequences up to which attention appends; above, where its arithmetic barely keeps up with the
/// memory, a kernel of its own is faster (docs/gpu.md).
constexpr int kAppendingSequences = 160, kAppendingSequencesFp8 = 16;

}  // namespace

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
  prepare_attention(config_.head_dim, extent_.fp8);
  resident_blocks_ = attention_resident_blocks(config_.head_dim, extent_.fp8);
  item_capacity_ = items_of(config_, extent_);
  partial_capacity_ = partials_of(config_, extent_);
  load(checkpoint);
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

bool CudaModel::attention_appends(const StepShape& shape) const {
  const int most = extent_.fp8 ? kAppendingSequencesFp8 : kAppendingSequences;
  return !shape.prompts && shape.max_active <= most &&
         cuda::attention_appends(shape.sequence_rows, config_.heads / config_.kv_heads);
}

void CudaModel::norm(const Bf16* weight, int splits, const StepShape& shape) {
  NormArguments a;
  a.width = config_.hidden;
  a.eps = config_.rms_norm_eps;
  a.residual = scratch_.residual;
  a.partial = scratch_.partial;
  a.splits = splits;
  a.split_stride = static_cast<size_t>(extent_.max_rows) * static_cast<size_t>(config_.hidden);
  a.row_count = scratch_.tables.rows;
  a.weight = weight;
  a.out = scratch_.normed;
  a.out_tile_rows = gemm_tile_rows(shape.row_budget);
  a.out_depth = Padding(config_).hidden;
  residual_norm(stream_, a, shape.row_budget);
}

void CudaModel::add_product(const Bf16* weights, const Bf16* activations, int depth,
                            const StepShape& shape) {
  GemmArguments a = product(weights, activations, depth, config_.hidden, shape);
  a.splits = gemm_splits(depth);
  a.out = scratch_.partial;
  a.out_stride = config_.hidden;
  a.split_stride = static_cast<size_t>(extent_.max_rows) * static_cast<size_t>(config_.hidden);
  gemm(stream_, Epilogue::kPartial, a, shape.row_budget);
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
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  GemmArguments a = product(weights.project, scratch_.normed, pad.hidden, pad.projected, shape);
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
  const size_t layer_bytes = extent_.pages * static_cast<size_t>(config_.kv_heads) *
                             page_head_bytes(config_.head_dim, extent_.fp8);
  a.cache = cache_.as<std::byte>() + static_cast<size_t>(layer) * layer_bytes;
  a.fp8 = extent_.fp8;
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
  if (!attention_appends(shape)) cuda::append(stream_, attention(layer, shape), shape.row_budget);
}

void CudaModel::attend(int layer, const StepShape& shape) {
  // Few sequences: 16 chunks (1,024 tokens) each in one go; blocks without work still cost a start.
  const int blocks = std::min(resident_blocks_, shape.max_active * config_.kv_heads * 16);
  AttentionArguments a = attention(layer, shape);
  a.append = attention_appends(shape);
  cuda::attend(stream_, a, blocks);
}

void CudaModel::add_attention_output(int layer, const StepShape& shape) {
  const int depth = Padding(config_).attention;
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  add_product(weights.attention_out, scratch_.attention, depth, shape);
  norm(weights.post_norm, gemm_splits(depth), shape);
}

void CudaModel::feed_forward(int layer, const StepShape& shape) {
  const Padding pad(config_);
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  GemmArguments a =
      product(weights.gate_up, scratch_.normed, pad.hidden, 2 * config_.intermediate, shape);
  a.out = scratch_.feed;
  a.out_stride = pad.inner;
  gemm(stream_, Epilogue::kSwiGlu, a, shape.row_budget);
}

void CudaModel::add_feed_forward(int layer, const StepShape& shape) {
  const int depth = Padding(config_).inner;
  add_product(weights_.layers[static_cast<size_t>(layer)].down, scratch_.feed, depth, shape);
  // The last layer's sum is taken by output(), for the rows that need it.
  if (layer + 1 < config_.layers) {
    norm(weights_.layers[static_cast<size_t>(layer) + 1].input_norm, gemm_splits(depth), shape);
  } else if (shape.finish_residual) {
    norm(weights_.final_norm, gemm_splits(depth), shape);
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
  s.audit = scratch_.audit;
  for (const TokenId id : options_.end_of_sequence) {
    if (s.end_count < kMaxEndIds) s.end_ids[s.end_count++] = id;
  }
  sample(stream_, s, shape.max_active);
  graph_operation = {};
}

}  // namespace molgen3d::cuda
