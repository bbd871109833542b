// The end of a step, one thread block per sequence: legal tokens, temperature, top-k, top-p,
// min-p, Gumbel-max with the noise of engine/noise.h, then the state advance and the forced run.
// The law is that of engine/sampler.h: a draw is a pure function of (logits, state, parameters,
// key, position).
//
// Bytes per sequence: 4 per legal token (about 11 in a number; the whole row of logits when
// decoding freely, read twice). Operations: about 150 in double precision per token that may win.
// Exact: a token is skipped only if no noise, or not its own random bits, could make it win.
#include "engine/cuda/draft.cuh"
#include "engine/cuda/sample_audit.cuh"
#include "engine/cuda/sample_search.cuh"

namespace molgen3d::cuda {
namespace {

__device__ void take(Writer& writer, const Task& task, int chosen) {
  switch (task.mode) {
    case Mode::kForced:
      writer.take_forced();
      break;
    case Mode::kListed:
      writer.take_edge(task.first_edge + chosen, true);
      break;
    case Mode::kMasked:
      writer.take_position(task.ids != nullptr ? task.ids[chosen] : chosen, true);
      break;
    default:
      writer.take_free(chosen);
      break;
  }
}

/// Takes a draw into the law of drafts: the model's share of each candidate, and whether the draft,
/// where there was one, agrees. One warp; `share_of(i)` is called for the lane's own candidates.
template <typename Share>
__device__ void learn(const SampleArguments& a, const Task& task, const SlotState& state,
                      Share share_of, int chosen, bool drafted) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const uint32_t row = state.node - kTemplateInHole;
  for (int i = lane; i < task.count; i += 32)
    atomicAdd(a.drafts.share + task.first_edge + i, share_of(i));
  if (lane != 0 || !drafted) return;
  const int* tokens = a.tokens + static_cast<size_t>(task.slot) * a.token_stride;
  atomicAdd(a.drafts.tried + row, 1U);
  if (tokens[state.known] == task.ids[chosen]) atomicAdd(a.drafts.agreed + row, 1U);
}

/// What a draw gives; thread 0's counts.
struct Drawn {
  SlotEnd failure;
  int chosen = 0;
  double log_probability = 0, log_kept = 0;
};

/// Draws among the candidates of `task` as engine/sampler.h says.
template <int kThreads>
__device__ Drawn draw(const Writer& writer, const Task& task, Block<kThreads>& block,
                      const float* row) {
  const SampleArguments& a = writer.a;
  const SlotState& state = writer.state;
  Drawn out{task.failure};
  const bool learns = a.gate != nullptr && state.constraint.drafts != 0 &&
                      task.mode == Mode::kListed && task.count <= kDraftChoices;
  const bool drafted = state.known < writer.drafted;
  if (task.mode == Mode::kListed && task.count <= 32 && a.column_of != nullptr &&
      state.top_k == 0 && state.top_p >= 1) {
    if (threadIdx.x >= 32) return out;
    WarpDraw warp{task, state, task.allowed != nullptr ? task.allowed[0] : 0U};
    out.failure = warp.run(a, row, out.chosen, out.log_probability, out.log_kept);
    if (learns && out.failure == SlotEnd::kRunning)
      learn(
          a, task, state, [&](int) { return warp.legal_share; }, out.chosen, drafted);
    return out;
  }
  Draw<kThreads> whole{a, task, state, row, block};
  out.failure = whole.run(out.chosen, out.log_probability, out.log_kept);
  if (learns && out.failure == SlotEnd::kRunning && threadIdx.x < 32)
    learn(
        a, task, state, [&](int i) { return whole.share(i); }, out.chosen, drafted);
  return out;
}

/// Draws one token of a sequence from `row`, and appends it with the forced run after it.
template <int kThreads>
__device__ void draw_token(Writer& writer, Task& task, Block<kThreads>& block, AllowedBits& allowed,
                           const float* row) {
  const SampleArguments& a = writer.a;
  SlotState& state = writer.state;
  bool dead_end = false;
  if (state.geometry.set != nullptr && task.mode == Mode::kListed &&
      state.search.draws != geometry::Draws::kFree && task.count <= kMaskCapacity) {
    find_allowed<kThreads>(state, task, allowed);
    dead_end = allowed.any == 0;
    if (threadIdx.x == 0) task.allowed = allowed.words;
    __syncthreads();
  }
  Drawn drawn{task.failure};
  if (!dead_end &&
      (task.mode == Mode::kListed || task.mode == Mode::kMasked || task.mode == Mode::kAny))
    drawn = draw<kThreads>(writer, task, block, row);
  if (a.audit != nullptr && drawn.failure == SlotEnd::kRunning && !dead_end) {
    const int token = task.mode == Mode::kForced ? forced_token(state)
                      : task.ids != nullptr      ? task.ids[drawn.chosen]
                                                 : drawn.chosen;
    drawn.failure = token < 0 || token >= a.vocabulary
                        ? SlotEnd::kNotGathered
                        : audit_token(a, task, state, row, block, token);
  }
  __syncthreads();
  if (threadIdx.x == 0 && drawn.failure != SlotEnd::kRunning) state.end = drawn.failure;
  if (threadIdx.x == 0 && drawn.failure == SlotEnd::kRunning && !dead_end) {
    state.log_probability += drawn.log_probability;
    state.search.log_kept += drawn.log_kept;
    if (state.known < writer.draft_end) ++state.drafts_verified;
    take(writer, task, drawn.chosen);
    if (state.known <= writer.draft_end && writer.disagreement < 0) ++state.drafts_kept;
  }
  if (state.geometry.set != nullptr) __syncthreads();  // whether it failed is thread 0's to say
  if (state.end > SlotEnd::kLength) return;
  if (state.geometry.set != nullptr) {
    follow_search<kThreads>(writer, dead_end ? SearchStart::kDeadEnd : SearchStart::kToken,
                            a.rounds);
  } else if (threadIdx.x == 0) {
    while (a.merge_forced != 0 && state.end == SlotEnd::kRunning && writer.take_forced()) {
    }
  }
}

template <int kThreads>
__global__ void __launch_bounds__(kThreads)
    sample_kernel(const __grid_constant__ SampleArguments a) {
  __shared__ PassShare pass;
  __shared__ Task task;
  __shared__ Block<kThreads> block;
  __shared__ AllowedBits allowed;
  __shared__ int go_on;
  wait_for_previous_kernel();
  let_next_kernel_start();
  const int index = static_cast<int>(blockIdx.x);
  if (index >= *a.active.count) return;
  const bool first = threadIdx.x == 0;
  if (first) pass = book_pass(a, index);
  __syncthreads();
  if (pass.output < 0) return;
  SlotState& state = a.slots[pass.slot];
  int* tokens = a.tokens + static_cast<size_t>(pass.slot) * a.token_stride;
  Writer writer{state, tokens, a};
  writer.draft_end = pass.computed;
  writer.drafted = pass.drafted;
  // A row of logits counts while everything before it is what stands.
  do {
    if (first) task = find_task(a, state, pass.slot);
    __syncthreads();
    const int row = pass.output + state.known - pass.known;
    draw_token<kThreads>(writer, task, block, allowed,
                         a.logits + static_cast<size_t>(row) * a.logit_stride);
    if (first) {
      go_on = state.end == SlotEnd::kRunning && state.waits == 0 && !writer.rewritten &&
                      writer.disagreement < 0 && state.known <= pass.computed
                  ? 1
                  : 0;
    }
    __syncthreads();
  } while (go_on != 0);
  if (first) {
    if (!writer.rewritten && state.end == SlotEnd::kRunning) {
      // The last known token's row gives the next logits: one that waits computes it again.
      const int stands = writer.disagreement < 0 ? state.known - 1 : writer.disagreement;
      state.cached = max(state.cached, min(stands, pass.computed));
    }
    state.drafted = state.shadow = 0;
  }
  if (a.gate == nullptr || threadIdx.x >= 32) return;
  __syncwarp();
  if (state.end == SlotEnd::kRunning && state.waits == 0 && state.constraint.drafts != 0)
    make_drafts(a, state, tokens);
}

}  // namespace

void sample(const Stream& stream, const SampleArguments& a, int max_active) {
  const dim3 grid(static_cast<unsigned>(max_active));
  if (a.column_of != nullptr) {
    if (a.rounds > 0) {  // worth more threads
      launch(stream, "sample", sample_kernel<256>, grid, dim3(256), 0, a);
    } else {
      launch(stream, "sample", sample_kernel<64>, grid, dim3(64), 0, a);
    }
  } else {
    launch(stream, "sample", sample_kernel<512>, grid, dim3(512), 0, a);
  }
}

}  // namespace molgen3d::cuda
