#include "engine/cuda/decode_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/cuda/cuda_backend.h"
#include "engine/cuda/cuda_device.h"
#include "engine/sampler.h"

namespace molgen3d {

using cuda::check;

namespace {

/// Capacities that graphs are captured for, so that few graphs serve every number of sequences.
int active_bucket(int active) {
  for (const int size : {1,   2,   4,   8,   12,  16,  24,  32,  40,  48,  64,  80,  96,
                         112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896}) {
    if (active <= size) return size;
  }
  return cuda::kMaxActive;
}

/// Rows for that many sequences: with forced runs a sequence takes 1.2 on average; whole tiles.
int row_budget(int active, bool merge_forced) {
  const int wanted = merge_forced ? active + std::max(4, active * 3 / 10) : active;
  return cuda::padded(wanted, cuda::gemm_tile_rows(wanted));
}

}  // namespace

CudaBackend::CudaBackend(std::shared_ptr<const Checkpoint> checkpoint,
                         const BackendOptions& options, const cuda::DevicePlan& plan)
    : checkpoint_(std::move(checkpoint)), options_(options), memory_(plan.memory) {
  // Every token is judged by the whole row of logits before it.
  if (options_.audit) options_.merge_forced_runs = options_.gather_output = false;
  clock_.sink = options.spans;
  stream_.create();
  read_stream_.create();
  for (cuda::OwnedEvent& event : states_read_) event.create();
  uploaded_.create();
  second_done_.create();
  model_ = std::make_unique<cuda::CudaModel>(*checkpoint_, plan.extent, options_, stream_);
  constraints_ = std::make_unique<cuda::ConstraintUpload>(stream_);
  geometries_ = std::make_unique<cuda::GeometryUpload>(stream_);
  slots_.resize(memory_.slots);
  pages_.resize(memory_.pages);
  staging_ = cuda::PinnedMemory(size_t{8} << 20);
  results_ =
      cuda::PinnedMemory(cuda::kMicroBatches * memory_.slots * sizeof(cuda::SlotState) +
                         memory_.slots * static_cast<size_t>(plan.extent.context) * sizeof(int));
  cudaDeviceProp device;
  check(cudaGetDeviceProperties(&device, options.device), "device");
  description_ = fmt::format("cuda:{} {} (compute {}.{}), bf16 weights and activations, fp32 sums",
                             options.device, device.name, device.major, device.minor);
}

CudaBackend::~CudaBackend() {
  if (stream_ != nullptr) cudaStreamSynchronize(stream_);
  for (const auto& [key, exec] : graphs_) cudaGraphExecDestroy(exec);
  model_.reset();
}

void CudaBackend::start(const SequenceStart& start) {
  std::optional<Slot>& slot = slots_[start.slot];
  slot.emplace(HostSequence(start, options_, checkpoint_->config().vocabulary));
  slot->constraint = start.constraint;
  if (start.constraint != nullptr) slot->geometry = start.geometry;
  cuda::SlotState& state = slot->state;
  const HostSequence& host = slot->sequence;
  state.prompt_length = static_cast<int>(host.prompt_length_);
  state.known = static_cast<int>(host.tokens_.size());
  state.cached = static_cast<int>(host.cached_);
  state.limit = state.prompt_length + static_cast<int>(start.max_new_tokens);
  state.forced = static_cast<int>(host.result_.forced_tokens);
  state.segment = host.state().segment;
  state.node = host.state().node;
  if (slot->geometry != nullptr && !options_.audit) state.search = *host.search_state();
  if (options_.audit && !host.failed()) {  // the opening forced run is judged too, token by token
    const ConstraintState opening =
        start.constraint != nullptr ? start.constraint->start() : ConstraintState{};
    state.known = state.prompt_length;
    state.forced = 0;
    state.segment = opening.segment;
    state.node = opening.node;
  }
  state.noise_key = start.noise_key;
  state.inverse_temperature = inverse_temperature(start.sampling);
  state.greedy = start.sampling.greedy ? 1 : 0;
  state.top_k = start.sampling.top_k;
  state.top_p = start.sampling.top_p;
  state.least_log_share = least_log_share(start.sampling);
  for (size_t i = start.cached_tokens / kPageTokens; i < start.pages.size(); ++i) {
    pages_[start.pages[i]] = {false, static_cast<int>(start.slot)};
  }
}

void CudaBackend::cancel(uint32_t slot) {
  for (const uint32_t page : slots_[slot]->sequence.pages_) {
    if (pages_[page].writer == static_cast<int>(slot)) pages_[page].writer = -1;
  }
  slots_[slot].reset();
}

/// Without reachable ids (free decoding, blocked masks), or with too many, logits of the whole
/// vocabulary are needed.
bool CudaBackend::wants_full_output() const {
  if (!options_.gather_output || gather_overflow_) return true;
  return std::any_of(slots_.begin(), slots_.end(), [](const std::optional<Slot>& slot) {
    return slot && (slot->constraint == nullptr || slot->constraint->reachable().empty());
  });
}

bool CudaBackend::searches() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const std::optional<Slot>& slot) {
    return slot && slot->geometry != nullptr;
  });
}

/// Adds the ids that new sequences may choose to the gathered output matrix.
void CudaBackend::gather_new() {
  if (!options_.gather_output || gather_overflow_) return;
  const size_t before = gathered_.size();
  for (const std::optional<Slot>& slot : slots_) {
    if (!slot || slot->installed || slot->constraint == nullptr) continue;
    const std::span<const TokenId> ids = slot->constraint->reachable();
    if (ids.empty() || std::find(gathered_from_.begin(), gathered_from_.end(), ids.data()) !=
                           gathered_from_.end()) {
      continue;
    }
    gathered_from_.push_back(ids.data());
    gathered_keep_.push_back(slot->constraint);
    gathered_.insert(gathered_.end(), ids.begin(), ids.end());
    std::sort(gathered_.begin(), gathered_.end());
    gathered_.erase(std::unique(gathered_.begin(), gathered_.end()), gathered_.end());
  }
  gather_overflow_ = gathered_.size() > static_cast<size_t>(cuda::kGatherCapacity);
  if (!gather_overflow_ && gathered_.size() != before) model_->gather(gathered_);
}

/// As the host backend: a sequence on shared pages waits for their writer, or computes them itself
/// if the writer is gone.
bool CudaBackend::shared_prompt_ready(uint32_t index) {
  Slot& slot = *slots_[index];
  const uint32_t shared = static_cast<uint32_t>(slot.state.cached) / kPageTokens;
  const std::vector<uint32_t>& pages = slot.sequence.pages_;
  for (uint32_t i = 0; i < shared; ++i) {
    const Page& page = pages_[pages[i]];
    if (page.filled) continue;
    if (page.writer >= 0 && page.writer != static_cast<int>(index)) return false;
    slot.state.cached = static_cast<int>(i * kPageTokens);
    for (uint32_t j = i; j < shared; ++j) pages_[pages[j]] = {false, static_cast<int>(index)};
    break;
  }
  return true;
}

template <typename T>
void CudaBackend::upload(T* device, const T* host, size_t count) {
  const size_t bytes = (count * sizeof(T) + 15) / 16 * 16;
  if (staging_used_ + bytes > staging_.size()) {
    check(cudaStreamSynchronize(stream_), "uploads");
    staging_used_ = 0;
    if (bytes > staging_.size()) staging_ = cuda::PinnedMemory(bytes);
  }
  std::memcpy(staging_.data() + staging_used_, host, count * sizeof(T));
  check(cudaMemcpyAsync(device, staging_.data() + staging_used_, count * sizeof(T),
                        cudaMemcpyHostToDevice, stream_),
        "upload");
  staging_used_ += bytes;
}

void CudaBackend::upload_active(std::span<const int> list, const cuda::StepShape& shape) {
  std::vector<int> words = {static_cast<int>(list.size())};
  words.insert(words.end(), list.begin(), list.end());
  upload(const_cast<int*>(model_->active(shape).count), words.data(), words.size());
}

void CudaBackend::install(uint32_t index) {
  Slot& slot = *slots_[index];
  const cuda::Scratch& scratch = model_->scratch();
  const HostSequence& host = slot.sequence;
  std::vector<int> words;
  slot.state.constraint = constraints_->prepare(slot.constraint, words);
  int* program = scratch.programs + index * cuda::kProgramWords;
  if (words.size() > cuda::kProgramWords) {
    slot.long_program = cuda::DeviceMemory(words.size() * sizeof(int), "constraint tables");
    program = slot.long_program.as<int>();
  }
  cuda::ConstraintUpload::place(slot.state.constraint, program);
  if (!words.empty()) upload(program, words.data(), words.size());
  install_geometry(index);
  const size_t context = static_cast<size_t>(model_->extent().context);
  upload(scratch.tokens + index * context, host.tokens_.data(), host.tokens_.size());
  upload(scratch.pages + index * static_cast<size_t>(model_->page_stride()), host.pages_.data(),
         host.pages_.size());
  slot.state.at = scratch.positions + index * size_t{cuda::kDraftAtoms};
  slot.state.reader = host.reader();
  upload(scratch.slots + index, &slot.state, 1);
  slot.installed = true;
}

/// The search begins where the opening forced run, taken on the host, has left it.
void CudaBackend::install_geometry(uint32_t index) {
  Slot& slot = *slots_[index];
  if (slot.geometry == nullptr) return;
  geometry::Mark start;
  start.known = slot.state.prompt_length;
  const ConstraintState opening = slot.constraint->start();
  start.segment = opening.segment;
  start.node = opening.node;
  std::vector<int> words;
  slot.state.geometry = geometries_->prepare(*slot.geometry, start, words);
  int* memory = model_->scratch().searches + index * cuda::kGeometryWords;
  if (words.size() > cuda::kGeometryWords) {
    slot.long_search = cuda::DeviceMemory(words.size() * sizeof(int), "geometry tables");
    memory = slot.long_search.as<int>();
  }
  cuda::GeometryUpload::place(slot.state.geometry, slot.geometry->set.view().atoms(), memory);
  upload(memory, words.data(), words.size());
}

/// Prompts of new sequences, in passes as large as the activations allow.
void CudaBackend::compute_prompts() {
  const bool full = wants_full_output();
  for (;;) {
    std::vector<int> group;
    int rows = 0, longest = 0;
    for (uint32_t index = 0; index < slots_.size(); ++index) {
      if (!slots_[index] || slots_[index]->installed ||
          slots_[index]->done_at_start(options_.audit)) {
        continue;
      }
      if (!shared_prompt_ready(index)) continue;
      const int pending = slots_[index]->state.known - slots_[index]->state.cached;
      if (!group.empty() && rows + pending > model_->extent().max_rows) continue;
      install(index);
      group.push_back(static_cast<int>(index));
      rows += pending;
      longest = std::max(longest, pending);
    }
    if (group.empty()) return;
    cuda::StepShape shape;
    shape.max_active = shape.outputs = static_cast<int>(group.size());
    const int wanted = std::min(rows, model_->extent().max_rows);
    shape.row_budget = std::max(wanted, shape.max_active);
    shape.sequence_rows = shape.row_budget;
    shape.prompts = true;
    shape.full_output = full;
    shape.searching = searches();
    shape.gathered = cuda::padded(static_cast<int>(gathered_.size()), 64);
    shape.merge_forced = options_.merge_forced_runs;
    upload_active(group, shape);
    for (int done = 0; done < rows; done += shape.row_budget) model_->step(shape, true);
    for (const int index : group) {
      for (const uint32_t page : slots_[static_cast<size_t>(index)]->sequence.pages_) {
        if (pages_[page].writer == index) pages_[page] = {true, -1};
      }
    }
  }
}

cudaGraphExec_t CudaBackend::graph(const cuda::StepShape& shape) {
  cudaGraphExec_t& exec = graphs_[{shape.max_active, shape.full_output, shape.gathered,
                                   shape.micro_batch, shape.searching, shape.row_budget}];
  if (exec != nullptr) return exec;
  const cudaStream_t stream = model_->stream(shape.micro_batch);
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "graph capture");
  model_->step(shape, true);
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(stream, &captured), "graph capture");
  const cudaError_t status = cudaGraphInstantiate(&exec, captured, 0);
  cudaGraphDestroy(captured);
  check(status, "graph");
  return exec;
}

/// One chain of steps for everybody.
void CudaBackend::decode() {
  std::vector<int> running;
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index] && slots_[index]->installed) running.push_back(static_cast<int>(index));
  }
  if (running.empty()) return;
  const size_t active = running.size();
  micro_batches_ = std::min(cuda::micro_batches(options_, active), model_->extent().micro_batches);
  const size_t share =
      (active + static_cast<size_t>(micro_batches_) - 1) / static_cast<size_t>(micro_batches_);
  cuda::StepShape shape;
  shape.max_active =
      std::min(active_bucket(static_cast<int>(share)), static_cast<int>(memory_.slots));
  shape.row_budget = row_budget(shape.max_active, options_.merge_forced_runs);
  shape.outputs = shape.max_active;
  shape.sequence_rows = options_.merge_forced_runs ? kRunRows : 1;
  shape.full_output = wants_full_output();
  add_drafts(shape);
  shape.searching = searches();
  shape.gathered = cuda::padded(static_cast<int>(gathered_.size()), 64);
  shape.merge_forced = options_.merge_forced_runs;
  shape.divided = micro_batches_ > 1;
  static_assert(kRunRows <= cuda::kFusedRows);
  shape.fused_append = cuda::CudaModel::fuses_append(shape.max_active);
  struct Part {
    cudaStream_t stream;
    cudaGraphExec_t step;
    cuda::SlotState* states;  ///< on the host
  };
  std::vector<Part> parts;
  for (int i = 0; i < micro_batches_; ++i) {
    shape.micro_batch = i;
    const std::span<const int> all(running);
    const size_t first = static_cast<size_t>(i) * share;
    const std::span<const int> mine = all.subspan(first, std::min(share, active - first));
    for (const int index : mine) slots_[static_cast<size_t>(index)]->micro_batch = i;
    upload_active(mine, shape);
    if (shape.drafts) {
      const DraftGate gate = draft_gate(active);
      upload(model_->scratch().gates + i, &gate, 1);
    }
    parts.push_back({model_->stream(i), graph(shape),
                     results_.as<cuda::SlotState>() + static_cast<size_t>(i) * slots_.size()});
  }
  if (micro_batches_ > 1) {
    check(cudaEventRecord(uploaded_, stream_), "event");
    check(cudaStreamWaitEvent(model_->stream(1), uploaded_, 0), "event");
  }
  // A finished sequence leaves its slot idle to the end of the chain: short chains when many
  // sequences run, since then steps are long. One graph a step, not one a chain: the host takes
  // 0.15 ms to launch one, while the device runs the one before. The states are read before the
  // last step, which hides the host's time between chains.
  // With drafts an answer takes few steps.
  const int steps = active >= 64 || shape.drafts ? 8 : active >= 8 ? 16 : 32;
  for (int i = 0; i + 1 < steps; ++i) {
    for (const Part& part : parts) check(cudaGraphLaunch(part.step, part.stream), "graph launch");
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    check(cudaMemcpyAsync(parts[i].states, model_->scratch().slots,
                          slots_.size() * sizeof(cuda::SlotState), cudaMemcpyDeviceToHost,
                          parts[i].stream),
          "copy of the states");
    check(cudaEventRecord(states_read_[i], parts[i].stream), "event");
    check(cudaGraphLaunch(parts[i].step, parts[i].stream), "graph launch");
  }
  // Whatever comes next into the first stream, prompts or the next chain, follows both.
  if (micro_batches_ > 1) {
    check(cudaEventRecord(second_done_, model_->stream(1)), "event");
    check(cudaStreamWaitEvent(stream_, second_done_, 0), "event");
  }
}

void CudaBackend::run(std::vector<SlotProgress>& finished, size_t* tokens_done) {
  check(cudaSetDevice(options_.device), "choice of device");
  size_t tokens = 0;
  {
    const bool fresh =
        std::any_of(slots_.begin(), slots_.end(),
                    [](const std::optional<Slot>& slot) { return slot && !slot->installed; });
    if (fresh) {
      const PhaseTimer timer(clock_, Phase::kPrefill, RunPhase::kPrefill);
      gather_new();
      compute_prompts();
      check(cudaStreamSynchronize(stream_), "prompts");
      staging_used_ = 0;
    }
  }
  PhaseTimer timer(clock_, Phase::kDecode, RunPhase::kDecodeChain);
  decode();
  collect(finished, tokens);
  timer.set_args({.tokens = static_cast<int32_t>(tokens)});
  if (tokens_done != nullptr) *tokens_done = tokens;
}

std::unique_ptr<Backend> make_cuda_backend(std::shared_ptr<const Checkpoint> checkpoint,
                                           const BackendOptions& options) {
  cuda::use_device(options);
  const cuda::DevicePlan device_plan = cuda::plan_current_device(checkpoint->config(), options);
  return std::make_unique<CudaBackend>(std::move(checkpoint), options, device_plan);
}

}  // namespace molgen3d
