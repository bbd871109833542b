#include "engine/host_backend.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/draft_book.h"
#include "engine/host_sequence.h"
#include "engine/pass_cost.h"

namespace molgen3d {
namespace {

/// Rows of a pass that mixes prompts in: enough to use the matrix kernels well, few enough that
/// running sequences do not wait long.
constexpr uint32_t kPromptRows = 256;

/// Until passes of several sizes were seen, which forced runs soon bring.
constexpr double kAssumedBaseRows = 1;

class HostBackend : public Backend {
 public:
  HostBackend(std::unique_ptr<Operations> operations, const MemoryPlan& memory,
              const BackendOptions& options, std::string description)
      : operations_(std::move(operations)),
        vocabulary_(operations_->config().vocabulary),
        memory_(memory),
        options_(options),
        description_(std::move(description)),
        sampler_(static_cast<size_t>(vocabulary_)),
        book_(options.texts),
        slots_(memory.slots),
        pages_(memory.pages) {
    clock_.sink = options.spans;
    logits_.resize(kHostOutputRows * static_cast<size_t>(vocabulary_));
  }

  std::string description() const override { return description_; }
  const MemoryPlan& memory() const override { return memory_; }
  DraftCounts drafts() const override { return draft_counts_; }
  PhaseClock phases() const override { return clock_; }

  void start(const SequenceStart& start) override;
  void run(std::vector<SlotProgress>& finished, size_t* tokens_done) override;
  void cancel(uint32_t slot) override { release(slot); }
  std::span<const TokenId> written(uint32_t slot) const override {
    return slots_[slot] ? slots_[slot]->written() : std::span<const TokenId>();
  }

 private:
  struct Page {
    uint32_t filled = 0;  ///< tokens computed, or computed by the pass being built
    int32_t writer = -1;  ///< the slot that computes them
  };
  /// A row whose logits are wanted: those before generated position `index` of `slot`.
  struct OutputRow {
    uint32_t slot, row, index;
  };

  void release(uint32_t slot);
  void collect(std::vector<SlotProgress>& finished, size_t& tokens);
  bool shared_prompt_ready(uint32_t slot);
  bool drafts_wanted() const {
    return options_.drafts != 0U && options_.merge_forced_runs && !options_.audit;
  }
  void make_drafts();
  void build_pass();
  void add_rows(uint32_t slot, uint32_t rows);
  void compute_outputs(bool full);
  void gather_ids();
  void use_row(const OutputRow& output, const LogitRow& row);

  std::unique_ptr<Operations> operations_;
  int vocabulary_;
  MemoryPlan memory_;
  BackendOptions options_;
  std::string description_;
  PhaseClock clock_;
  uint32_t passes_ = 0;
  Sampler sampler_;
  DraftBook book_;
  DraftCounts draft_counts_;
  PassCost cost_;  ///< of passes without prompts
  std::vector<std::optional<HostSequence>> slots_;
  std::vector<Page> pages_;

  // One pass.
  std::vector<TokenId> tokens_;
  std::vector<PassSequence> sequences_;
  std::vector<uint32_t> planned_;  ///< rows of each slot
  std::vector<OutputRow> full_rows_, gathered_rows_;
  std::vector<uint32_t> wanted_rows_, row_numbers_;
  std::vector<TokenId> gathered_ids_;
  /// Whose reachable ids gathered_ids_ holds; kept alive so that an address names one table.
  std::vector<std::shared_ptr<const Constraint>> gathered_from_;
  bool prompt_rows_ = false;
  std::vector<float> logits_;
};

void HostBackend::start(const SequenceStart& start) {
  slots_[start.slot].emplace(start, options_, vocabulary_, drafts_wanted() ? &book_ : nullptr);
  for (size_t i = start.cached_tokens / kPageTokens; i < start.pages.size(); ++i) {
    pages_[start.pages[i]] = {0, static_cast<int32_t>(start.slot)};
  }
}

void HostBackend::release(uint32_t slot) {
  for (const uint32_t page : slots_[slot]->pages_) {
    if (pages_[page].writer == static_cast<int32_t>(slot)) pages_[page].writer = -1;
  }
  slots_[slot].reset();
}

/// A sequence that starts on shared pages may join once they are full, those that this very pass
/// fills included. If their writer is gone before it filled them, the sequence computes them
/// itself.
bool HostBackend::shared_prompt_ready(uint32_t slot) {
  HostSequence& sequence = *slots_[slot];
  for (uint32_t i = 0; i < sequence.cached_ / kPageTokens; ++i) {
    const Page& page = pages_[sequence.pages_[i]];
    if (page.filled == kPageTokens) continue;
    if (page.writer >= 0 && page.writer != static_cast<int32_t>(slot)) return false;
    const uint32_t shared = sequence.cached_ / kPageTokens;
    sequence.cached_ = i * kPageTokens;
    for (uint32_t j = i; j < shared; ++j) {
      pages_[sequence.pages_[j]] = {0, static_cast<int32_t>(slot)};
    }
    break;
  }
  return true;
}

void HostBackend::add_rows(uint32_t slot, uint32_t rows) {
  HostSequence& sequence = *slots_[slot];
  const uint32_t first_row = static_cast<uint32_t>(tokens_.size());
  const uint32_t known = static_cast<uint32_t>(sequence.tokens_.size());
  const uint32_t known_rows = std::min(rows, sequence.pending());
  sequence.keep_drafts(rows - known_rows);
  for (uint32_t i = 0; i < rows; ++i) {
    const uint32_t position = sequence.cached_ + i;
    tokens_.push_back(position < known ? sequence.tokens_[position]
                                       : sequence.drafts()[position - known]);
    pages_[sequence.pages_[position / kPageTokens]].filled = position % kPageTokens + 1;
    if (position + 1 < sequence.prompt_length_) continue;
    const uint32_t index = position + 1 - sequence.prompt_length_;
    const bool sampled_here =
        position + 1 == known ? !sequence.ended()
                              : position >= known && sequence.draft_wants_logits(position - known);
    if (options_.audit ? position + 1 < known || sampled_here : sampled_here) {
      const bool gather =
          options_.gather_output && !options_.audit && !sequence.reachable().empty();
      (gather ? gathered_rows_ : full_rows_).push_back({slot, first_row + i, index});
    }
  }
  sequences_.push_back({first_row, rows, sequence.cached_, sequence.pages_});
  if (sequence.in_prompt()) {
    prompt_rows_ = true;
  } else {
    ++sequence.result_.passes;
  }
  sequence.cached_ += known_rows;
}

void HostBackend::make_drafts() {
  uint32_t running = 0;
  for (const std::optional<HostSequence>& slot : slots_) running += slot ? 1 : 0;
  const double base = cost_.base_rows(kAssumedBaseRows) / std::max(1U, running);
  const DraftGate gate = options_.drafts
                             ? DraftGate{static_cast<int>(*options_.drafts), kEveryDraftPays}
                             : DraftGate{static_cast<int>(kMostDrafts), static_cast<float>(base)};
  for (std::optional<HostSequence>& slot : slots_) {
    if (slot && !slot->in_prompt()) slot->draft(gate);
  }
}

void HostBackend::build_pass() {
  if (drafts_wanted()) make_drafts();
  tokens_.clear();
  sequences_.clear();
  full_rows_.clear();
  gathered_rows_.clear();
  planned_.assign(slots_.size(), 0);
  prompt_rows_ = false;
  // One row for everybody, then the forced runs, then as much of the prompts as the pass holds.
  uint32_t room = host_pass_rows(options_);
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (!slots_[slot]) continue;
    planned_[slot] = 1;
    --room;
  }
  for (const bool prompts : {false, true}) {
    for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
      if (!slots_[slot] || slots_[slot]->in_prompt() != prompts) continue;
      const HostSequence& sequence = *slots_[slot];
      uint32_t wanted = sequence.pending() + static_cast<uint32_t>(sequence.drafts().size());
      if (!options_.merge_forced_runs) {
        wanted = prompts ? sequence.prompt_length_ - sequence.cached_ : 1;
      }
      const uint32_t more = std::min(room, wanted - 1);
      planned_[slot] += more;
      room -= more;
    }
  }
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot] && shared_prompt_ready(slot)) {
      const HostSequence& sequence = *slots_[slot];
      const auto drafts = static_cast<uint32_t>(sequence.drafts().size());
      add_rows(slot, std::min(planned_[slot], sequence.pending() + drafts));
    }
  }
}

/// The union of the reachable ids of the sequences in gathered_rows_; kept while they share tables.
void HostBackend::gather_ids() {
  const auto gathered = [&](const OutputRow& row) {
    const TokenId* ids = slots_[row.slot]->reachable().data();
    return std::any_of(gathered_from_.begin(), gathered_from_.end(), [ids](const auto& constraint) {
      return constraint->reachable().data() == ids;
    });
  };
  if (std::all_of(gathered_rows_.begin(), gathered_rows_.end(), gathered)) return;
  gathered_from_.clear();
  gathered_ids_.clear();
  for (const OutputRow& row : gathered_rows_) {
    if (gathered(row)) continue;
    const std::span<const TokenId> ids = slots_[row.slot]->reachable();
    gathered_from_.push_back(slots_[row.slot]->constraint());
    gathered_ids_.insert(gathered_ids_.end(), ids.begin(), ids.end());
  }
  std::sort(gathered_ids_.begin(), gathered_ids_.end());
  gathered_ids_.erase(std::unique(gathered_ids_.begin(), gathered_ids_.end()), gathered_ids_.end());
}

void HostBackend::use_row(const OutputRow& output, const LogitRow& row) {
  HostSequence& sequence = *slots_[output.slot];
  if (sequence.awaits(output.index)) sequence.sample(sampler_, row);
  const bool known = output.index < sequence.generated();
  if (options_.audit && known && !sequence.failed()) {
    sequence.audit(row.logits, output.index);
  }
}

void HostBackend::compute_outputs(bool full) {
  const std::vector<OutputRow>& outputs = full ? full_rows_ : gathered_rows_;
  if (outputs.empty()) return;
  if (!full) gather_ids();
  const std::span<const TokenId> ids = full ? std::span<const TokenId>() : gathered_ids_;
  const size_t columns = full ? static_cast<size_t>(vocabulary_) : ids.size();
  for (size_t first = 0; first < outputs.size(); first += kHostOutputRows) {
    const size_t count = std::min<size_t>(kHostOutputRows, outputs.size() - first);
    row_numbers_.clear();
    for (size_t i = 0; i < count; ++i) row_numbers_.push_back(outputs[first + i].row);
    const std::span<float> logits(logits_.data(), count * columns);
    {
      const PhaseTimer timer(clock_, Phase::kOutput, RunPhase::kOutput);
      operations_->output(row_numbers_, ids, logits);
    }
    const PhaseTimer timer(clock_, Phase::kSample, RunPhase::kSample);
    for (size_t i = 0; i < count; ++i) {
      use_row(outputs[first + i], {logits.subspan(i * columns, columns), ids});
    }
  }
}

void HostBackend::collect(std::vector<SlotProgress>& finished, size_t& tokens) {
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (!slots_[slot]) continue;
    HostSequence& sequence = *slots_[slot];
    tokens += sequence.generated() - std::exchange(sequence.reported_, sequence.generated());
    if (!sequence.complete()) continue;
    finished.push_back({slot, true, sequence.take_result()});
    release(slot);
  }
}

void HostBackend::run(std::vector<SlotProgress>& finished, size_t* tokens_done) {
  size_t tokens = 0;
  ScopedSpan pass(clock_.sink, RunPhase::kDecodeStep);
  collect(finished, tokens);  // answers that are forced to the end need no pass
  build_pass();
  if (prompt_rows_) pass.set_phase(RunPhase::kPrefill);
  if (!sequences_.empty()) {
    const uint64_t begin = SpanSink::now_ns();
    {
      const PhaseTimer timer(clock_, prompt_rows_ ? Phase::kPrefill : Phase::kDecode,
                             RunPhase::kForward);
      wanted_rows_.clear();
      for (const auto* outputs : {&full_rows_, &gathered_rows_}) {
        for (const OutputRow& output : *outputs) wanted_rows_.push_back(output.row);
      }
      std::sort(wanted_rows_.begin(), wanted_rows_.end());
      run_layers(*operations_, {tokens_, sequences_}, wanted_rows_);
    }
    compute_outputs(true);
    compute_outputs(false);
    for (std::optional<HostSequence>& slot : slots_) {
      if (slot) slot->settle_drafts(draft_counts_);
    }
    if (!prompt_rows_) {
      cost_.add(static_cast<double>(tokens_.size()),
                1e-9 * static_cast<double>(SpanSink::now_ns() - begin));
    }
    collect(finished, tokens);
  }
  pass.set_args({.step = static_cast<int32_t>(passes_++),
                 .rows = static_cast<int32_t>(sequences_.size()),
                 .tokens = static_cast<int32_t>(tokens)});
  if (tokens_done != nullptr) *tokens_done = tokens;
}

}  // namespace

uint32_t host_pass_rows(const BackendOptions& options) {
  return std::max(options.slots, kPromptRows);
}

size_t host_scratch_bytes(const ModelConfig& config, const BackendOptions& /*options*/) {
  const size_t vocabulary = static_cast<size_t>(config.vocabulary);
  return vocabulary * (kHostOutputRows * sizeof(float)                              // logits
                       + 2 * sizeof(float) + sizeof(TokenId) + 2 * sizeof(float));  // sampler
}

std::unique_ptr<Backend> make_host_backend(std::unique_ptr<Operations> operations,
                                           const MemoryPlan& memory, const BackendOptions& options,
                                           std::string description) {
  if (memory.slots == 0 || memory.pages == 0) {
    throw Error::format("backend: a plan of {} slots and {} pages decodes nothing", memory.slots,
                        memory.pages);
  }
  return std::make_unique<HostBackend>(std::move(operations), memory, options,
                                       std::move(description));
}

}  // namespace molgen3d
