// A decoding backend: owns weights and key-value pages, runs the sequences placed in its slots.
// CPU backends run one ragged pass per call; the CUDA backend runs a chain of steps on the device.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "engine/phase_clock.h"
#include "engine/request.h"

namespace molgen3d {

namespace geometry {
struct TokenTexts;
}

/// Tokens per key-value page. Prompts are shared between samples in whole pages.
inline constexpr uint32_t kPageTokens = 16;

/// What a backend needs, decided before anything is allocated.
struct MemoryPlan {
  size_t weight_bytes = 0;
  size_t page_bytes = 0;  ///< one page, all layers, keys and values
  size_t pages = 0;
  size_t scratch_bytes = 0;  ///< activations, logits, tables
  uint32_t slots = 0;        ///< sequences at once
  size_t total_bytes() const { return weight_bytes + page_bytes * pages + scratch_bytes; }
};

/// Most drafts of a sequence and pass.
inline constexpr uint32_t kMostDrafts = 8;

struct BackendOptions {
  uint32_t slots = 32;  ///< sequences at once (the batch)
  size_t kv_tokens =
      0;               ///< capacity of the cache in tokens; 0: slots x max_positions, within memory
  size_t threads = 0;  ///< CPU: 0 = all cores
  int device = 0;      ///< CUDA: which of several
  DataType compute =
      DataType::kBFloat16;  ///< activations and weights; kFloat32 for exact comparison
  bool fp8_cache = false;   ///< keys and values in e4m3 with a scale each; CUDA only
  int micro_batches = 0;    ///< CUDA: 1 or 2 that decode side by side; 0: 2 for large batches
  bool merge_forced_runs = true;
  /// Most drafts (draft_law.h) of a sequence and pass; 0: none. Nothing: as many as pay, which
  /// depends on how many sequences run and on how often drafts agreed. Never changes an answer.
  std::optional<uint32_t> drafts{};
  /// What tokens say of coordinates: with it, drafts know where bonded atoms are (bond_law.h).
  std::shared_ptr<const geometry::TokenTexts> texts{};
  bool gather_output = true;  ///< compute only the reachable rows of the output matrix
  bool audit = false;         ///< Z, raw log-probabilities: full output matrix for every token
  std::vector<TokenId> end_of_sequence{};  ///< ends free decoding; constraints know their own end
  SpanSink* spans = nullptr;  ///< receives the phases of every pass (phases().sink); may be null
};

/// A sequence as it enters a slot.
struct SequenceStart {
  uint32_t slot = 0;
  std::span<const TokenId> prompt;
  std::shared_ptr<const Constraint> constraint;       ///< null: free
  std::shared_ptr<const geometry::Program> geometry;  ///< null: none
  SamplingParams sampling;
  uint64_t noise_key = 0;           ///< engine/noise.h, from (seed, item, sample)
  uint32_t max_new_tokens = 0;      ///< > 0
  std::span<const uint32_t> pages;  ///< enough for prompt + max_new_tokens
  /// The first `cached_tokens` of the prompt stand (or will stand, after the same pass) in shared
  /// pages; a multiple of kPageTokens, less than the prompt's length.
  uint32_t cached_tokens = 0;
};

/// What run() gives back for one slot that made progress.
struct SlotProgress {
  uint32_t slot = 0;
  bool finished = false;
  Completion result;  ///< filled when finished (tag and sample left to the engine)
};

/// Drafted tokens that were chosen among two or more, and what became of them.
struct DraftCounts {
  uint64_t verified = 0;  ///< met by a row of logits
  uint64_t kept = 0;      ///< the same token as the model's own
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string description() const = 0;  ///< device, data types, for headers of reports
  virtual const MemoryPlan& memory() const = 0;
  virtual void start(const SequenceStart& sequence) = 0;
  /// Advances the occupied slots (a slot waits while another one computes its shared prompt pages;
  /// at least one always advances); appends the finished ones, whose slots and
  /// pages are free afterwards. `tokens_done` (may be null) receives the number of tokens
  /// generated.
  virtual void run(std::vector<SlotProgress>& finished, size_t* tokens_done) = 0;
  virtual void cancel(uint32_t slot) = 0;
  virtual DraftCounts drafts() const { return {}; }
  /// What the sequence in `slot` has written and will not take back, as far as the host knows it;
  /// empty is always right. Valid until the next call.
  virtual std::span<const TokenId> written(uint32_t /*slot*/) const { return {}; }
  virtual PhaseClock phases() const { return {}; }  ///< seconds so far, where the backend measures
};

/// Plans without allocating; Throws Error when even one sequence does not fit.
MemoryPlan plan_cpu_memory(const ModelConfig& config, const BackendOptions& options);
std::unique_ptr<Backend> make_cpu_backend(std::shared_ptr<const Checkpoint> checkpoint,
                                          const BackendOptions& options);

}  // namespace molgen3d
