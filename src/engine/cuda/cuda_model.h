// One model on one device: weights in the layouts of the kernels, the cache, the activations, and
// the launches of a step.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "engine/backend.h"
#include "engine/cuda/device_memory.h"
#include "engine/cuda/gemm.h"
#include "engine/cuda/kernels.h"

namespace molgen3d::cuda {

/// Sizes that a model's memory follows from.
struct Extent {
  uint32_t slots = 1;
  size_t pages = 1;
  int context = 0;   ///< most tokens of one sequence
  int max_rows = 0;  ///< of one pass
  bool audit = false;
  bool fp8 = false;       ///< keys and values in e4m3
  int micro_batches = 1;  ///< that a decoding step may be divided into, at most kMicroBatches
};

/// While one micro-batch's attention keeps the memory busy, the other's products, which wait for
/// each other more than for the memory, use the multiprocessors beside it.
inline constexpr int kMicroBatches = 2;

/// Up to so many sequences attention appends by itself: a kernel less a layer and no tile cut, but
/// a thread block fills a multiprocessor.
inline constexpr int kFusedSequences = 16;

/// Most ids of a gathered output matrix; constraints that reach more use the whole one.
inline constexpr int kGatherCapacity = 2048;

struct LayerWeights {
  __nv_bfloat16 *project, *attention_out, *gate_up, *down;
  __nv_bfloat16 *input_norm, *post_norm, *query_norm, *key_norm;
};

struct ModelWeights {
  std::vector<LayerWeights> layers;
  __nv_bfloat16* embedding;  ///< packed; also the output matrix when tied
  __nv_bfloat16* output;
  __nv_bfloat16* final_norm;
  float2* rotation;  ///< [context][head_dim / 2]
};

/// What one pass needs for itself; micro-batches have one each.
struct Activations {
  int max_rows, items, partials;  ///< capacities; partials in rows x chunks of cut attention tiles
  __nv_bfloat16 *residual, *normed, *projected, *attention, *feed, *final_normed;
  float* partial;  ///< products cut along K: [split][max_rows][hidden]
  float* logits;   ///< [slots][vocabulary] or [max_rows][kGatherCapacity]
  float* attention_partial;
  float2* attention_stats;
  int* attention_counters;
  PassTables tables;
};

/// Everything but weights and pages.
struct Scratch {
  Activations activations[kMicroBatches];
  SlotState* slots;
  int* tokens;         ///< [slots][context]
  uint32_t* pages;     ///< [slots][page_stride]
  int* active;         ///< lists of [1 + slots]: prompts, then running sequences by micro-batch
  AuditRecord* audit;  ///< [slots][context] in audit mode, else null
  int* programs;       ///< [slots][kProgramWords]: constraint tables
  int* searches;       ///< [slots][kGeometryWords]: hard sets and what searches remember
  DraftTables drafts;  ///< learnt from all sequences; kDraftStates and kDraftEdges
  geometry::Position* positions;  ///< [slots][kDraftAtoms]
  geometry::TokenText* texts;     ///< [vocabulary]
  DraftGate* gates;               ///< [kMicroBatches]
  int* gathered_ids;
  int* column_of;                ///< [vocabulary]
  __nv_bfloat16* gathered_rows;  ///< packed
};
/// Words of constraint tables held for every slot; longer ones get their own memory.
inline constexpr size_t kProgramWords = 4096;

/// The shape of one launch of a step.
struct StepShape {
  int max_active = 1;     ///< sequences, at most
  int row_budget = 8;     ///< rows, at most
  int sequence_rows = 8;  ///< rows of one sequence, at most
  int outputs = 1;        ///< rows of logits, at most
  bool drafts = false;    ///< drafts are made, and rows of logits are more than sequences
  bool prompts = false;   ///< which active list
  bool full_output = false;
  int gathered = 0;        ///< columns when not full_output
  bool searching = false;  ///< some sequences are kept inside a hard set
  bool merge_forced = true;
  int micro_batch = 0;   ///< which of those that run side by side
  bool divided = false;  ///< whether another runs
  /// attend() does what append() does, too: few sequences, at most kFusedRows rows each. Hopper
  /// only.
  bool fused_append = false;
  /// The last layer's sum goes into the residual at once and not when the output is computed. For
  /// tests: the stream must be idle before output(), whose norm reads the residual ahead.
  bool finish_residual = false;
};

class CudaModel {
 public:
  CudaModel(const Checkpoint& checkpoint, const Extent& extent, const BackendOptions& options,
            cudaStream_t stream);

  /// Bytes of weights, of one page, and of everything else, as the constructor takes them.
  static MemoryPlan memory(const ModelConfig& config, const Extent& extent);

  /// Whether a decoding step of that many sequences shall be one with StepShape::fused_append.
  static bool fuses_append(int sequences);

  /// All kernels of one step, into the stream (or a capture of it).
  void step(const StepShape& shape, bool first);

  // The parts of a step, for tests; the tables must be filled.
  void embed(const StepShape& shape);
  void project(int layer, const StepShape& shape);
  void append(int layer, const StepShape& shape);
  void attend(int layer, const StepShape& shape);
  void add_attention_output(int layer, const StepShape& shape);
  void feed_forward(int layer, const StepShape& shape);
  void add_feed_forward(int layer, const StepShape& shape);
  /// Normed rows of tables.output_row x the output matrix -> logits, for *tables.outputs entries.
  void output(const StepShape& shape);

  /// Makes the gathered output matrix of `ids` (sorted, at most kGatherCapacity).
  void gather(std::span<const TokenId> ids);

  const ModelConfig& config() const { return config_; }
  const Extent& extent() const { return extent_; }
  const Scratch& scratch() const { return scratch_; }
  int page_stride() const;
  ActiveList active(const StepShape& shape) const;
  int logit_stride(bool full) const { return full ? config_.vocabulary : kGatherCapacity; }
  /// Where the steps of a micro-batch go; the first is the constructor's.
  cudaStream_t stream(int micro_batch) const;
  void* cache() const { return cache_.data(); }

 private:
  void load(const Checkpoint& checkpoint);
  void upload_ends();
  void upload_texts();
  const Activations& buffers(const StepShape& shape) const;
  Stream launches(const StepShape& shape) const { return {stream(shape.micro_batch), true}; }
  SampleArguments sampling(const StepShape& shape) const;
  void judge_beside(const StepShape& shape);
  void norm(const __nv_bfloat16* weight, int splits, const StepShape& shape);
  /// scratch.partial = product, cut along K; the norm that follows adds it to the residual.
  void add_product(const __nv_bfloat16* weights, const __nv_bfloat16* activations, int depth,
                   const StepShape& shape);
  AttentionArguments attention(int layer, const StepShape& shape) const;
  GemmArguments product(const __nv_bfloat16* weights, const __nv_bfloat16* activations, int depth,
                        int features, const StepShape& shape) const;

  ModelConfig config_;
  Extent extent_;
  BackendOptions options_;
  Stream stream_;
  DeviceMemory weight_memory_, cache_, scratch_memory_;
  DeviceMemory end_ids_;  ///< sorted ids that end free decoding
  int end_count_ = 0;
  ModelWeights weights_;
  Scratch scratch_;
  OwnedStream second_stream_;
  /// Judgements beside the pass of a micro-batch.
  struct Beside {
    OwnedStream stream;
    OwnedEvent planned, judged;
  };
  Beside beside_[kMicroBatches];
  int resident_blocks_ = 0;
};

}  // namespace molgen3d::cuda
