// The end of a step, one thread block per sequence: legal tokens, temperature, top-k, top-p,
// min-p, Gumbel-max with the noise of engine/noise.h, then the state advance and the forced run.
// The law is that of engine/sampler.h: a draw is a pure function of (logits, state, parameters,
// key, position).
//
// Bytes per sequence: 4 per legal token (about 11 in a number; the whole row of logits when
// decoding freely, read twice). Operations: about 150 in double precision per token that may win.
// Exact: a token is skipped only if no noise, or not its own random bits, could make it win.
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

template <int kThreads>
__global__ void __launch_bounds__(kThreads)
    sample_kernel(const __grid_constant__ SampleArguments a) {
  __shared__ Task task;
  __shared__ Block<kThreads> block;
  __shared__ AllowedBits allowed;
  wait_for_previous_kernel();
  let_next_kernel_start();
  const int index = static_cast<int>(blockIdx.x);
  if (index >= *a.active.count) return;
  if (threadIdx.x == 0) task = find_task(a, index);
  __syncthreads();
  if (task.mode == Mode::kNothing) return;
  SlotState& state = a.slots[task.slot];
  SlotEnd failure = task.failure;
  int chosen = 0;
  double log_probability = 0, log_kept = 0;
  bool dead_end = false;
  if (state.geometry.set != nullptr && task.mode == Mode::kListed &&
      state.search.draws != geometry::Draws::kFree && task.count <= kMaskCapacity) {
    find_allowed<kThreads>(state, task, allowed);
    dead_end = allowed.any == 0;
    if (threadIdx.x == 0) task.allowed = allowed.words;
    __syncthreads();
  }
  if (!dead_end &&
      (task.mode == Mode::kListed || task.mode == Mode::kMasked || task.mode == Mode::kAny)) {
    Draw<kThreads> draw{a, task, state, a.logits + static_cast<size_t>(index) * a.logit_stride,
                        block};
    failure = draw.run(chosen, log_probability, log_kept);
  }
  if (a.audit != nullptr && failure == SlotEnd::kRunning && !dead_end) {
    const int token = task.mode == Mode::kForced ? forced_token(state)
                      : task.ids != nullptr      ? task.ids[chosen]
                                                 : chosen;
    failure =
        token < 0 || token >= a.vocabulary
            ? SlotEnd::kNotGathered
            : audit_token(a, task, state, a.logits + static_cast<size_t>(index) * a.logit_stride,
                          block, token);
  }
  __syncthreads();
  if (failure != SlotEnd::kRunning) {
    if (threadIdx.x == 0) state.end = failure;
    return;
  }
  Writer writer{state, a.tokens + static_cast<size_t>(task.slot) * a.token_stride, a};
  if (threadIdx.x == 0 && !dead_end) {
    state.log_probability += log_probability;
    state.search.log_kept += log_kept;
    take(writer, task, chosen);
  }
  if (state.geometry.set != nullptr) {
    follow_search<kThreads>(writer, dead_end ? SearchStart::kDeadEnd : SearchStart::kToken,
                            a.rounds);
    return;
  }
  if (threadIdx.x != 0) return;
  while (a.merge_forced != 0 && state.end == SlotEnd::kRunning && writer.take_forced()) {
  }
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
