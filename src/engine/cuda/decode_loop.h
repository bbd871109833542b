// The decoding loop: the host admits sequences and collects answers between chains of steps; within
// a chain everything happens on the device.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "engine/cuda/constraint_upload.h"
#include "engine/cuda/cuda_model.h"
#include "engine/cuda/geometry_upload.h"
#include "engine/cuda/memory_plan.h"
#include "engine/host_sequence.h"

namespace molgen3d {

/// Most rows of one sequence in a decoding step: forced runs are seldom longer.
inline constexpr int kRunRows = 8;

class CudaBackend : public Backend {
 public:
  CudaBackend(std::shared_ptr<const Checkpoint> checkpoint, const BackendOptions& options,
              const cuda::DevicePlan& plan);
  ~CudaBackend() override;

  std::string description() const override { return description_; }
  const MemoryPlan& memory() const override { return memory_; }
  DraftCounts drafts() const override { return draft_counts_; }
  PhaseClock phases() const override { return clock_; }
  void start(const SequenceStart& start) override;
  void run(std::vector<SlotProgress>& finished, size_t* tokens_done) override;
  void cancel(uint32_t slot) override;

 private:
  struct Slot {
    explicit Slot(HostSequence&& host) : sequence(std::move(host)) {}
    HostSequence sequence;  ///< as it entered: prompt, opening forced run, constraint
    std::shared_ptr<const Constraint> constraint;
    std::shared_ptr<const geometry::Program> geometry;
    cuda::SlotState state;  ///< last seen
    /// Forced from beginning to end, or failed: the device has nothing to do.
    bool done_at_start(bool audit) const {
      return sequence.ended() && (!audit || sequence.failed());
    }
    bool installed = false;
    int reported = 0;
    int micro_batch = 0;  ///< of the last chain
    cuda::DeviceMemory long_program, long_search;
  };
  struct Page {
    bool filled = false;
    int writer = -1;
  };
  /// Sequences, full output, gathered columns, micro-batch, whether some are searched for, rows.
  using GraphKey = std::tuple<int, bool, int, int, bool, int>;

  bool wants_full_output() const;
  bool drafts_wanted() const;
  /// Makes room for drafts in a step.
  void add_drafts(cuda::StepShape& shape) const;
  /// For so many sequences.
  DraftGate draft_gate(size_t sequences) const;
  bool searches() const;
  void gather_new();
  bool shared_prompt_ready(uint32_t index);
  template <typename T>
  void upload(T* device, const T* host, size_t count);
  void upload_active(std::span<const int> list, const cuda::StepShape& shape);
  void install(uint32_t index);
  void install_geometry(uint32_t index);
  void compute_prompts();
  void decode();
  cudaGraphExec_t graph(const cuda::StepShape& shape);
  void collect(std::vector<SlotProgress>& finished, size_t& tokens);
  Completion completion(Slot& slot);
  void read_audit(const Slot& slot, uint32_t index, Completion& result);
  std::string failure(const cuda::SlotState& state) const;

  std::shared_ptr<const Checkpoint> checkpoint_;
  BackendOptions options_;
  MemoryPlan memory_;
  std::string description_;
  cuda::OwnedStream stream_;
  cuda::OwnedStream read_stream_;  ///< answers of the finished, beside running steps
  cuda::OwnedEvent states_read_[cuda::kMicroBatches];  ///< of the last chain
  cuda::OwnedEvent uploaded_, second_done_;            ///< order the micro-batches' streams
  int micro_batches_ = 1;                              ///< of the last chain
  std::unique_ptr<cuda::CudaModel> model_;
  std::unique_ptr<cuda::ConstraintUpload> constraints_;
  std::unique_ptr<cuda::GeometryUpload> geometries_;
  std::vector<std::optional<Slot>> slots_;
  std::vector<Page> pages_;
  std::vector<TokenId> gathered_;
  std::vector<const void*> gathered_from_;  ///< tables of ids already in gathered_
  std::vector<std::shared_ptr<const Constraint>> gathered_keep_;
  bool gather_overflow_ = false;
  std::map<GraphKey, cudaGraphExec_t> graphs_;
  cuda::PinnedMemory staging_, results_;
  size_t staging_used_ = 0;
  DraftCounts draft_counts_;
  PhaseClock clock_;
};

}  // namespace molgen3d
