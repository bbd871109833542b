// What the kernels of a step share: the state of every slot, and the tables that the plan kernel
// writes for the others.
#pragma once

#include <cmath>
#include <cstdint>

#include "engine/draft_law.h"
#include "engine/noise.h"
#include "geometry/search_state.h"
#include "geometry/token_text.h"

namespace molgen3d::cuda {

inline constexpr int kChunk = 64;        ///< keys of one attention chunk; fixed, so sums are too
inline constexpr int kTileRows = 8;      ///< of one attention tile
inline constexpr int kMaxActive = 1024;  ///< sequences at once: one thread each in the plan kernel
/// Molecules of up to this many atoms are completed (geometry/completion.h) in shared memory.
inline constexpr int kSharedProjectionAtoms = 128;
inline constexpr uint32_t kTemplateLeaveHole = 0xFFFFFFFFU;  ///< HoleTables::kLeaveHole
inline constexpr uint32_t kTemplateInHole = 0x80000000U;     ///< TemplateProgram::kInHole

enum class SlotEnd : int {
  kRunning,
  kEndOfSequence,
  kLength,
  kNotFinite,
  kNotGathered,
  kNothingLegal,
  kGeometry  ///< outside the hard set with its budget spent
};

enum class ConstraintKind : int { kFree, kTemplate, kPositions };

/// The device's copy of a constraint (constraint/template_program.h); all pointers on the device.
struct DeviceConstraint {
  ConstraintKind kind = ConstraintKind::kFree;
  // kTemplate
  const int* literals = nullptr;
  const uint32_t* segments = nullptr;  ///< triples: literal begin, literal count, entry state
  int segment_count = 0;
  const uint32_t* row_begin = nullptr;
  const int* edge_token = nullptr;
  const uint32_t* edge_next = nullptr;
  int drafts = 0;                      ///< states and edges are those of SampleArguments::drafts
  const int* bonded_before = nullptr;  ///< by segment: the hole of the atom bonded to, or -1
  // kPositions
  const int* positions = nullptr;  ///< pairs: forced id or -1, mask
  int position_count = 0;
  const uint32_t* const* masks = nullptr;
  int mask_count = 0;
  int masks_allow = 0;
  const int* reachable = nullptr;  ///< ids that masks can allow, sorted; may be none
  int reachable_count = 0;
};

/// What keeps a sequence inside its hard set (geometry/search.h); all pointers on the device.
struct DeviceGeometry {
  const int32_t* set = nullptr;  ///< words of the hard set; null: coordinates are not checked
  const geometry::TokenText* texts = nullptr;  ///< [vocabulary]
  const geometry::Position* directions = nullptr;
  geometry::NumberText numbers;
  geometry::SearchPolicy policy;
  geometry::SearchMemory memory = {};
};

/// Audit mode: as Completion::AuditedToken.
struct alignas(16) AuditRecord {
  float raw_log_probability, kept_mass;
  int favourite;
  float favourite_log_probability;
};

/// One sequence. tokens[0, cached) stand in the cache; tokens[cached, known) are to be computed,
/// and so may be the `drafted` after them, which stand in for tokens that are not chosen yet.
struct SlotState {
  int prompt_length = 0;
  int known = 0;
  int cached = 0;
  int drafted = 0;
  int shadow = 0;  ///< 1: another draft after them, which no row meets
  int limit = 0;   ///< most known tokens: prompt + max_new_tokens
  SlotEnd end = SlotEnd::kRunning;
  uint32_t segment = 0, node = 0;  ///< ConstraintState
  int sampled = 0, forced = 0, passes = 0;
  int drafts_verified = 0, drafts_kept = 0;
  double log_probability = 0;
  double raw_log_probability = 0, log_kept_mass = 0;  ///< audit mode
  uint64_t noise_key = 0;
  double inverse_temperature = 1;
  int greedy = 0;
  int top_k = 0;
  float top_p = 1;
  double least_log_share = -INFINITY;  ///< min-p (engine/sampler.h)
  DeviceConstraint constraint;
  DeviceGeometry geometry;
  geometry::SearchState search;
  /// Without a search: where the numbers are, and the atoms that stand, by hole.
  geometry::ReaderState reader;
  geometry::Position* at = nullptr;
  int waits = 0;  ///< for a judgement or a mask (judge.cu): left out of the passes until then
};

/// A tile of at most kTileRows rows (query heads of one key-value head x new tokens) of one
/// sequence, and a range of chunks of its keys.
struct alignas(16) AttentionItem {
  int slot;
  int first_row;       ///< of the sequence in the pass
  int rows;            ///< new tokens of the sequence
  int first_position;  ///< of its first new token
  int tile_row;        ///< first row of the tile among rows x heads of the group
  int chunk_begin, chunk_end;
  int chunks;   ///< of the whole tile
  int partial;  ///< base of its partial results, in rows x chunks; unused when it has all chunks
  int counter;  ///< of finished items of this tile
  int items;    ///< of this tile
  int padding;
};

/// Atoms by hole that drafts know the places of; later ones are drafted without.
inline constexpr uint32_t kDraftAtoms = 256;

/// Where a row of the pass belongs.
struct alignas(16) RowPlace {
  int slot;
  int position;
  int first_position;  ///< of its sequence's new tokens
  int tile_row;        ///< rows of its sequence before it
};

/// Written by the plan kernel.
struct PassTables {
  int* rows;            ///< [1] rows of the pass
  int* items;           ///< [1]
  int* row_token;       ///< [rows]
  RowPlace* row_place;  ///< [rows]
  int* sequence_rows;   ///< [active]
  int* first_output;    ///< [active] of the sequence's rows of logits, or -1: none chooses a token
  int* outputs;         ///< [1] rows of logits
  int* output_row;      ///< [outputs] their rows of the pass
  AttentionItem* item;  ///< [items]
};

/// Sequences of a launch.
struct ActiveList {
  const int* count;  ///< [1]
  const int* slots;  ///< [count]
};

}  // namespace molgen3d::cuda
