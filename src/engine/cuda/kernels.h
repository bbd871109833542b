// The kernels of a step, one per file; each file counts its bytes and operations.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "engine/cuda/launch.h"
#include "engine/cuda/step_types.h"

namespace molgen3d::cuda {

struct PlanArguments {
  ActiveList active;
  SlotState* slots = nullptr;
  const int* tokens = nullptr;  ///< [slot][token_stride]
  int token_stride = 0;
  PassTables tables;
  int row_budget = 0;     ///< >= active sequences
  int sequence_rows = 0;  ///< most rows of one sequence
  int group = 1;          ///< query heads of one key-value head
  int kv_heads = 1;
  int attention_blocks = 1;
  int item_capacity = 0;
  int partial_capacity = 0;  ///< in rows x chunks
};
/// Which tokens each sequence computes in this pass, and how attention is cut. `max_active`
/// threads.
void plan_pass(const Stream& stream, const PlanArguments& arguments, int max_active);

struct NormArguments {
  int width = 0;
  float eps = 0;
  __nv_bfloat16* residual = nullptr;  ///< [rows][width]
  const float* partial = nullptr;     ///< [splits][rows][width] added to the residual; or null
  int splits = 0;
  size_t split_stride = 0;
  const __nv_bfloat16* embedding = nullptr;  ///< weights layout; then the residual starts here
  const int* row_token = nullptr;
  int vocabulary = 0;
  const int* row_count = nullptr;         ///< rows, or, with row_map, entries of it
  const int* row_map = nullptr;           ///< entry -> row, or -1: nothing to do; null: identity
  const __nv_bfloat16* weight = nullptr;  ///< [width]
  __nv_bfloat16* out = nullptr;           ///< activations layout
  int out_tile_rows = 0;
  int out_depth = 0;
  bool early_start = false;  ///< of the next kernel (intrinsics.cuh)
};
/// residual += sum of partials (or = embedding); out = RMSNorm(residual) x weight.
void residual_norm(const Stream& stream, const NormArguments& arguments, int max_rows);

struct AttentionArguments {
  __nv_bfloat16* projected = nullptr;  ///< [row][heads + 2 kv_heads][head_dim]
  int projected_stride = 0;
  void* cache = nullptr;  ///< of this layer: [page][kv head], each as attention_layout.cuh says
  bool fp8 = false;       ///< keys and values in e4m3, with a scale each
  const uint32_t* pages = nullptr;
  int page_stride = 0;  ///< pages of one slot
  const int* row_count = nullptr;
  const RowPlace* row_place = nullptr;
  const AttentionItem* items = nullptr;
  const int* item_count = nullptr;
  const float2* rotation = nullptr;           ///< [position][head_dim / 2]: cosine, sine
  const __nv_bfloat16* query_norm = nullptr;  ///< [head_dim] or null
  const __nv_bfloat16* key_norm = nullptr;
  float eps = 0;
  int heads = 0, kv_heads = 0, head_dim = 0;
  __nv_bfloat16* out = nullptr;  ///< activations layout, K = heads x head_dim
  int out_tile_rows = 0;
  int out_depth = 0;
  float* partial = nullptr;         ///< [rows x chunks][kv head][padded dim]
  float2* partial_stats = nullptr;  ///< [rows x chunks][kv head]: maximum, sum
  int* counters = nullptr;          ///< zero between launches
  bool early_start = false;         ///< of the next kernel; append() and append_and_attend() only
};
/// Head dimensions are stored padded to 32 (bf16 only), 64 or 128 (zeros). 0: larger than any
/// supported.
int padded_head_dim(int head_dim, bool fp8);
/// Bytes of a page of one key-value head.
size_t page_head_bytes(int head_dim, bool fp8);
/// Norms and rotates queries and keys; keys and values go into the cache.
void append(const Stream& stream, const AttentionArguments& arguments, int max_rows);
void attend(const Stream& stream, const AttentionArguments& arguments, int blocks);
/// Both in one, for few sequences of at most kFusedRows rows each, whose tiles are not cut; same
/// bits. Queries are not written back. Hopper's code only.
void append_and_attend(const Stream& stream, const AttentionArguments& arguments, int max_tiles);
inline constexpr int kFusedRows = 8;
void prepare_append_and_attend(int head_dim, bool fp8);
/// Thread blocks that are resident at once on the current device.
int attention_resident_blocks(int head_dim, bool fp8);
void prepare_attention(int head_dim, bool fp8);

struct SampleArguments {
  ActiveList active;
  SlotState* slots = nullptr;
  int* tokens = nullptr;
  int token_stride = 0;
  const int* sequence_rows = nullptr;
  const int* first_output = nullptr;
  const float* logits = nullptr;  ///< [outputs][logit_stride]
  int logit_stride = 0;
  int vocabulary = 0;
  const int* column_of = nullptr;  ///< [vocabulary] column of an id or -1; null: column = id
  int merge_forced = 1;
  /// Rounds of projection that a sequence may make in sample(), where all others wait for it; what
  /// takes more goes on in judge(). 0: all of the search but plain checks.
  int rounds = 0;
  /// Audit mode: [slot][token_stride], by generated position; needs whole rows of logits and
  /// merge_forced == 0. Null: off.
  AuditRecord* audit = nullptr;
  DraftTables drafts;                          ///< learnt from the draws; null pointers: no drafts
  const geometry::TokenText* texts = nullptr;  ///< [vocabulary]; null: no bond law
  geometry::NumberText numbers;
  const DraftGate* gate = nullptr;  ///< of new drafts; null: none are made
  const int* end_ids = nullptr;     ///< sorted; free decoding ends with any of them
  int end_count = 0;
};
/// Draws the next token of every sequence whose rows are done, appends it and the forced run after
/// it.
void sample(const Stream& stream, const SampleArguments& arguments, int max_active);
/// Makes what sequences wait for that are kept inside a hard set, beside a pass of the others:
/// after its plan, before the next.
void judge(const Stream& stream, const SampleArguments& arguments, int max_active);

// Once, when loading.

enum class SourceType : uint8_t { kFloat32, kFloat16, kBFloat16 };

struct PackArguments {
  const void* source = nullptr;  ///< [features][depth] row-major
  SourceType type = SourceType::kBFloat16;
  int features = 0, depth = 0;
  __nv_bfloat16* out = nullptr;  ///< weights layout of the whole matrix
  int out_depth = 0;             ///< K of the whole matrix, padded
  int first_row = 0;             ///< of `source` in its tensor
  int first_feature = 0;         ///< of the tensor in the whole matrix
  int interleave = 0;  ///< 0: rows stay in order; 1 / 2: gate / up rows of a kSwiGlu product
};
void pack_weights(const Stream& stream, const PackArguments& arguments);
/// Type conversion only.
void convert_vector(const Stream& stream, const void* source, SourceType type, size_t count,
                    __nv_bfloat16* out);
/// out [padded ids] = rows `ids` of a packed matrix; the rest zero.
void gather_weights(const Stream& stream, const __nv_bfloat16* weights, int depth, const int* ids,
                    int count, __nv_bfloat16* out);

}  // namespace molgen3d::cuda
