#include "engine/cuda/cuda_model.h"

#include <algorithm>

#include "engine/cuda/gemm.h"
#include "engine/cuda/model_memory.h"

namespace molgen3d::cuda {
namespace {

using Bf16 = __nv_bfloat16;

/// Passes of few rows wait for latencies and not for the memory: each kernel lets the next start at
/// once. Beside another micro-batch that would only take multiprocessors from it.
bool early_start(const StepShape& shape) {
  constexpr int kFewRows = 192;
  return shape.row_budget <= kFewRows && !shape.divided;
}
/// Of so few sequences none waits long for the search of another, but one that stands still wastes
/// a pass.
constexpr int kSearchInline = 8;
constexpr int kRoundsInline = 16;

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
  prepare_append_and_attend(config_.head_dim, extent_.fp8);
  resident_blocks_ = attention_resident_blocks(config_.head_dim, extent_.fp8);
  if (extent_.micro_batches > 1) second_stream_.create();
  for (int i = 0; i < extent_.micro_batches; ++i) {
    beside_[i].stream.create();
    beside_[i].planned.create();
    beside_[i].judged.create();
  }
  upload_ends();
  upload_texts();
  load(checkpoint);
}

void CudaModel::upload_ends() {
  std::vector<TokenId> ids = options_.end_of_sequence;
  if (ids.empty()) return;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const size_t bytes = ids.size() * sizeof(TokenId);
  end_ids_ = DeviceMemory(bytes, "end-of-sequence ids");
  check(cudaMemcpyAsync(end_ids_.data(), ids.data(), bytes, cudaMemcpyHostToDevice, stream_.stream),
        "copy of end-of-sequence ids");
  check(cudaStreamSynchronize(stream_.stream), "copy of end-of-sequence ids");
  end_count_ = static_cast<int>(ids.size());
}

/// What lies beyond the tokenizer's ids says nothing.
void CudaModel::upload_texts() {
  if (options_.texts == nullptr) return;
  const std::vector<geometry::TokenText>& texts = options_.texts->of_token;
  const size_t count = std::min(texts.size(), static_cast<size_t>(config_.vocabulary));
  check(cudaMemcpyAsync(scratch_.texts, texts.data(), count * sizeof(geometry::TokenText),
                        cudaMemcpyHostToDevice, stream_.stream),
        "copy of token texts");
  check(cudaStreamSynchronize(stream_.stream), "copy of token texts");
}

bool CudaModel::fuses_append(int sequences) {
  return runs_hopper_code() && sequences <= kFusedSequences;
}

int CudaModel::page_stride() const {
  return static_cast<int>(pages_per_slot(extent_));
}

ActiveList CudaModel::active(const StepShape& shape) const {
  const size_t index = shape.prompts ? 0 : 1 + static_cast<size_t>(shape.micro_batch);
  const int* list = scratch_.active + index * (extent_.slots + 1);
  return {list, list + 1};
}

cudaStream_t CudaModel::stream(int micro_batch) const {
  return micro_batch == 0 ? stream_.stream : static_cast<cudaStream_t>(second_stream_);
}

const Activations& CudaModel::buffers(const StepShape& shape) const {
  return scratch_.activations[shape.micro_batch];
}

GemmArguments CudaModel::product(const Bf16* weights, const Bf16* activations, int depth,
                                 int features, const StepShape& shape) const {
  const Activations& own = buffers(shape);
  GemmArguments a;
  a.weights = weights;
  a.activations = activations;
  a.row_count = own.tables.rows;
  a.tile_rows = gemm_tile_rows(shape.row_budget);
  a.depth = depth;
  a.features = features;
  a.early_start = early_start(shape);
  return a;
}

void CudaModel::norm(const Bf16* weight, int splits, const StepShape& shape) {
  const Activations& own = buffers(shape);
  NormArguments a;
  a.width = config_.hidden;
  a.eps = config_.rms_norm_eps;
  a.residual = own.residual;
  a.partial = own.partial;
  a.splits = splits;
  a.split_stride = static_cast<size_t>(own.max_rows) * static_cast<size_t>(config_.hidden);
  a.row_count = own.tables.rows;
  a.weight = weight;
  a.out = own.normed;
  a.out_tile_rows = gemm_tile_rows(shape.row_budget);
  a.out_depth = Padding(config_).hidden;
  a.early_start = early_start(shape);
  residual_norm(launches(shape), a, shape.row_budget);
}

void CudaModel::add_product(const Bf16* weights, const Bf16* activations, int depth,
                            const StepShape& shape) {
  const Activations& own = buffers(shape);
  GemmArguments a = product(weights, activations, depth, config_.hidden, shape);
  a.splits = gemm_splits(depth);
  a.out = own.partial;
  a.out_stride = config_.hidden;
  a.split_stride = static_cast<size_t>(own.max_rows) * static_cast<size_t>(config_.hidden);
  gemm(launches(shape), Epilogue::kPartial, a, shape.row_budget);
}

void CudaModel::embed(const StepShape& shape) {
  const Activations& own = buffers(shape);
  NormArguments a;
  a.width = config_.hidden;
  a.eps = config_.rms_norm_eps;
  a.residual = own.residual;
  a.embedding = weights_.embedding;
  a.row_token = own.tables.row_token;
  a.vocabulary = config_.vocabulary;
  a.row_count = own.tables.rows;
  a.weight = weights_.layers[0].input_norm;
  a.out = own.normed;
  a.out_tile_rows = gemm_tile_rows(shape.row_budget);
  a.out_depth = Padding(config_).hidden;
  residual_norm(launches(shape), a, shape.row_budget);
}

void CudaModel::project(int layer, const StepShape& shape) {
  const Activations& own = buffers(shape);
  const Padding pad(config_);
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  GemmArguments a = product(weights.project, own.normed, pad.hidden, pad.projected, shape);
  a.out = own.projected;
  a.out_stride = pad.projected;
  gemm(launches(shape), Epilogue::kBf16, a, shape.row_budget);
}

AttentionArguments CudaModel::attention(int layer, const StepShape& shape) const {
  const Activations& own = buffers(shape);
  const Padding pad(config_);
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  AttentionArguments a;
  a.projected = own.projected;
  a.projected_stride = pad.projected;
  const size_t layer_bytes = extent_.pages * static_cast<size_t>(config_.kv_heads) *
                             page_head_bytes(config_.head_dim, extent_.fp8);
  a.cache = cache_.as<std::byte>() + static_cast<size_t>(layer) * layer_bytes;
  a.fp8 = extent_.fp8;
  a.pages = scratch_.pages;
  a.page_stride = page_stride();
  a.row_count = own.tables.rows;
  a.row_place = own.tables.row_place;
  a.items = own.tables.item;
  a.item_count = own.tables.items;
  a.rotation = weights_.rotation;
  a.query_norm = weights.query_norm;
  a.key_norm = weights.key_norm;
  a.eps = config_.rms_norm_eps;
  a.heads = config_.heads;
  a.kv_heads = config_.kv_heads;
  a.head_dim = config_.head_dim;
  a.out = own.attention;
  a.out_tile_rows = gemm_tile_rows(shape.row_budget);
  a.out_depth = pad.attention;
  a.partial = own.attention_partial;
  a.partial_stats = own.attention_stats;
  a.counters = own.attention_counters;
  a.early_start = early_start(shape);
  return a;
}

void CudaModel::append(int layer, const StepShape& shape) {
  if (shape.fused_append) return;
  cuda::append(launches(shape), attention(layer, shape), shape.row_budget);
}

void CudaModel::attend(int layer, const StepShape& shape) {
  const AttentionArguments a = attention(layer, shape);
  if (shape.fused_append) {
    // A tile each and one for every eight rows more.
    const int group = config_.heads / config_.kv_heads;
    const int tiles = shape.max_active + shape.row_budget * group / kTileRows;
    return append_and_attend(launches(shape), a, tiles);
  }
  // Few sequences: 16 chunks (1,024 tokens) each in one go; blocks without work still cost a start.
  const int blocks = std::min(resident_blocks_, shape.max_active * config_.kv_heads * 16);
  cuda::attend(launches(shape), a, blocks);
}

void CudaModel::add_attention_output(int layer, const StepShape& shape) {
  const Activations& own = buffers(shape);
  const int depth = Padding(config_).attention;
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  add_product(weights.attention_out, own.attention, depth, shape);
  norm(weights.post_norm, gemm_splits(depth), shape);
}

void CudaModel::feed_forward(int layer, const StepShape& shape) {
  const Activations& own = buffers(shape);
  const Padding pad(config_);
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  GemmArguments a =
      product(weights.gate_up, own.normed, pad.hidden, 2 * config_.intermediate, shape);
  a.out = own.feed;
  a.out_stride = pad.inner;
  gemm(launches(shape), Epilogue::kSwiGlu, a, shape.row_budget);
}

void CudaModel::add_feed_forward(int layer, const StepShape& shape) {
  const Activations& own = buffers(shape);
  const int depth = Padding(config_).inner;
  add_product(weights_.layers[static_cast<size_t>(layer)].down, own.feed, depth, shape);
  // The last layer's sum is taken by output(), for the rows that need it.
  if (layer + 1 < config_.layers) {
    norm(weights_.layers[static_cast<size_t>(layer) + 1].input_norm, gemm_splits(depth), shape);
  } else if (shape.finish_residual) {
    norm(weights_.final_norm, gemm_splits(depth), shape);
  }
}

void CudaModel::output(const StepShape& shape) {
  const Activations& own = buffers(shape);
  const Padding pad(config_);
  NormArguments n;
  n.width = config_.hidden;
  n.eps = config_.rms_norm_eps;
  n.residual = own.residual;
  n.partial = shape.finish_residual ? nullptr : own.partial;
  n.splits = gemm_splits(pad.inner);
  n.split_stride = static_cast<size_t>(own.max_rows) * static_cast<size_t>(config_.hidden);
  n.row_count = own.tables.outputs;
  n.row_map = own.tables.output_row;
  n.weight = weights_.final_norm;
  n.out = own.final_normed;
  n.out_tile_rows = gemm_tile_rows(shape.outputs);
  n.out_depth = pad.hidden;
  n.early_start = early_start(shape);
  residual_norm(launches(shape), n, shape.outputs);

  GemmArguments a;
  a.weights = shape.full_output ? weights_.output : scratch_.gathered_rows;
  a.activations = own.final_normed;
  a.row_count = own.tables.outputs;
  a.tile_rows = n.out_tile_rows;
  a.depth = pad.hidden;
  a.features = shape.full_output ? config_.vocabulary : shape.gathered;
  a.out = own.logits;
  a.out_stride = logit_stride(shape.full_output);
  gemm(launches(shape), Epilogue::kPartial, a, shape.outputs);
}

SampleArguments CudaModel::sampling(const StepShape& shape) const {
  const Activations& own = buffers(shape);
  SampleArguments s;
  s.active = active(shape);
  s.slots = scratch_.slots;
  s.tokens = scratch_.tokens;
  s.token_stride = extent_.context;
  s.sequence_rows = own.tables.sequence_rows;
  s.first_output = own.tables.first_output;
  s.logits = own.logits;
  s.logit_stride = logit_stride(shape.full_output);
  s.vocabulary = config_.vocabulary;
  s.column_of = shape.full_output ? nullptr : scratch_.column_of;
  s.merge_forced = shape.merge_forced ? 1 : 0;
  s.rounds = shape.searching && shape.max_active <= kSearchInline ? kRoundsInline : 0;
  s.drafts = scratch_.drafts;
  if (options_.texts != nullptr) {
    s.texts = scratch_.texts;
    s.numbers = options_.texts->numbers;
  }
  s.gate = shape.drafts ? scratch_.gates + shape.micro_batch : nullptr;
  s.audit = scratch_.audit;
  s.end_ids = end_ids_.as<int>();
  s.end_count = end_count_;
  return s;
}

/// Judgements go on in a branch of their own from the plan to the end of the step.
void CudaModel::judge_beside(const StepShape& shape) {
  const Beside& beside = beside_[shape.micro_batch];
  check(cudaEventRecord(beside.planned, stream(shape.micro_batch)), "event");
  check(cudaStreamWaitEvent(beside.stream, beside.planned, 0), "event");
  graph_operation = {"judge", -1};
  judge({beside.stream, false}, sampling(shape), shape.max_active);
  check(cudaEventRecord(beside.judged, beside.stream), "event");
}

void CudaModel::step(const StepShape& shape, bool first) {
  const Activations& own = buffers(shape);
  const ActiveList list = active(shape);
  PlanArguments p;
  p.active = list;
  p.slots = scratch_.slots;
  p.tokens = scratch_.tokens;
  p.token_stride = extent_.context;
  p.tables = own.tables;
  p.row_budget = shape.row_budget;
  p.sequence_rows = shape.sequence_rows;
  p.group = config_.heads / config_.kv_heads;
  p.kv_heads = config_.kv_heads;
  p.attention_blocks = shape.fused_append ? 1 : resident_blocks_;  // 1: tiles stay whole
  p.item_capacity = own.items;
  p.partial_capacity = own.partials;
  // What comes before the first kernel of a launch may be a copy, which cannot let it start early.
  const auto name = [](const char* operation, int layer = -1) {
    graph_operation = {operation, layer};
  };
  name("plan");
  plan_pass({stream(shape.micro_batch), !first}, p, shape.max_active);
  const bool judges = shape.searching && !shape.prompts;  // new sequences wait for nothing
  if (judges) judge_beside(shape);
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
  sample(launches(shape), sampling(shape), shape.max_active);
  if (judges) {
    check(cudaStreamWaitEvent(stream(shape.micro_batch), beside_[shape.micro_batch].judged, 0),
          "event");
  }
  graph_operation = {};
}

}  // namespace molgen3d::cuda
