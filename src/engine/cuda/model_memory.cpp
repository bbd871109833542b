#include "engine/cuda/model_memory.h"

#include "engine/cuda/constraint_upload.h"
#include "engine/cuda/geometry_upload.h"

#include <algorithm>

namespace molgen3d::cuda {
namespace {

using Bf16 = __nv_bfloat16;

int splits_of(const ModelConfig& config) {
  const Padding pad(config);
  return std::max(gemm_splits(pad.attention), gemm_splits(pad.inner));
}

size_t count(auto a, auto b) {
  return static_cast<size_t>(a) * static_cast<size_t>(b);
}

/// Buffers of passes of at most `rows` rows of `slots` sequences.
void carve_activations(Carver& carver, const ModelConfig& config, const Extent& extent, int rows,
                       int slots, Activations& s) {
  const Padding pad(config);
  const int tile_rows = padded(rows, 128) + 128;  // whole tiles of any height
  const int group = config.heads / config.kv_heads;
  s.max_rows = rows;
  // Tiles: one partly filled per sequence, the rest full; each may be cut.
  s.items = slots * 32 + group * rows / kTileRows + 256;
  s.partials = std::max(1024, slots * group * 16);
  carver.take(s.residual, count(rows, config.hidden));
  carver.take(s.normed, count(tile_rows, pad.hidden));
  carver.take(s.projected, count(rows, pad.projected));
  carver.take(s.attention, count(tile_rows, pad.attention));
  carver.take(s.feed, count(tile_rows, pad.inner));
  carver.take(s.final_normed, count(tile_rows, pad.hidden));
  carver.take(s.partial, count(splits_of(config), count(rows, config.hidden)));
  carver.take(s.logits, std::max(count(slots, config.vocabulary), count(rows, kGatherCapacity)));
  const int dim = padded_head_dim(config.head_dim, extent.fp8);
  carver.take(s.attention_partial, count(s.partials, count(config.kv_heads, dim)));
  carver.take(s.attention_stats, count(s.partials, config.kv_heads));
  carver.take(s.attention_counters, count(s.items, config.kv_heads));
  carver.take(s.tables.rows, 1);
  carver.take(s.tables.items, 1);
  carver.take(s.tables.row_token, static_cast<size_t>(rows));
  carver.take(s.tables.row_place, static_cast<size_t>(rows));
  carver.take(s.tables.sequence_rows, static_cast<size_t>(slots));
  carver.take(s.tables.first_output, static_cast<size_t>(slots));
  carver.take(s.tables.outputs, 1);
  carver.take(s.tables.output_row, static_cast<size_t>(rows));
  carver.take(s.tables.item, static_cast<size_t>(s.items));
}

}  // namespace

size_t pages_per_slot(const Extent& extent) {
  return (static_cast<size_t>(extent.context) + kPageTokens - 1) / kPageTokens;
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

void carve_scratch(Carver& carver, const ModelConfig& config, const Extent& extent, Scratch& s) {
  const Padding pad(config);
  const int slots = static_cast<int>(extent.slots);
  carve_activations(carver, config, extent, extent.max_rows, slots, s.activations[0]);
  for (int i = 1; i < extent.micro_batches; ++i) {
    // Decoding only; a graph's capacity may be larger than the sequences by a third.
    const int share = (slots + 1) / 2;
    carve_activations(carver, config, extent,
                      std::min(extent.max_rows, padded(4 * share, 128) + 128), share,
                      s.activations[i]);
  }
  carver.take(s.slots, extent.slots);
  carver.take(s.tokens, count(slots, extent.context));
  carver.take(s.pages, extent.slots * pages_per_slot(extent));
  carver.take(s.active, count(1 + extent.micro_batches, slots + 1));
  s.audit = nullptr;
  if (extent.audit) carver.take(s.audit, count(slots, extent.context));
  carver.take(s.programs, extent.slots * kProgramWords);
  carver.take(s.searches, extent.slots * kGeometryWords);
  carver.take(s.drafts.share, kDraftEdges);
  carver.take(s.drafts.tried, kDraftStates);
  carver.take(s.drafts.agreed, kDraftStates);
  carver.take(s.positions, count(slots, kDraftAtoms));
  carver.take(s.texts, static_cast<size_t>(config.vocabulary));
  carver.take(s.gates, kMicroBatches);
  carver.take(s.gathered_ids, static_cast<size_t>(kGatherCapacity));
  carver.take(s.column_of, static_cast<size_t>(config.vocabulary));
  carver.take(s.gathered_rows, count(kGatherCapacity, pad.hidden));
}

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
  plan.page_bytes = static_cast<size_t>(config.layers * config.kv_heads) *
                    page_head_bytes(config.head_dim, extent.fp8);
  plan.pages = extent.pages;
  plan.slots = extent.slots;
  return plan;
}

}  // namespace molgen3d::cuda
