// The end of a step, one thread block per sequence: legal tokens, temperature, top-k, top-p,
// Gumbel-max with the noise of engine/noise.h, then the state advance and the forced run. The law
// is that of engine/sampler.h: a draw is a pure function of (logits, state, parameters, key,
// position).
//
// Bytes per sequence: 4 per legal token (about 11 in a number; the whole row of logits when
// decoding freely, read twice). Operations: about 150 in double precision per token that may win.
// Exact: a token is skipped only if no noise, or not its own random bits, could make it win.
#include <climits>

#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"
#include "engine/gumbel.h"

namespace molgen3d::cuda {
namespace {

enum class Mode : int { kNothing, kForced, kListed, kMasked, kAny, kFailed };

/// What thread 0 found out about the sequence.
struct Task {
  Mode mode;
  int slot;
  SlotEnd failure;
  int forced_token;
  const int* ids;  ///< candidates; null: the vocabulary
  int count;       ///< candidates: of `ids`, or the vocabulary
  const uint32_t* mask;
  int mask_allows;
  int first_edge;
};

struct Candidate {
  double score;
  int index;
};

/// Reductions over the block in a fixed order; every thread gets the result.
template <int kThreads>
struct Block {
  double values[kThreads / 32];
  int indices[kThreads / 32];

  __device__ double sum(double x) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(0xFFFFFFFFU, x, step);
    __syncthreads();
    if (threadIdx.x % 32 == 0) values[threadIdx.x / 32] = x;
    __syncthreads();
    double total = 0;
    for (int i = 0; i < kThreads / 32; ++i) total += values[i];
    return total;
  }
  /// The largest score; of equal ones the lowest index.
  __device__ Candidate best(Candidate x) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) {
      const double score = __shfl_xor_sync(0xFFFFFFFFU, x.score, step);
      const int index = __shfl_xor_sync(0xFFFFFFFFU, x.index, step);
      if (score > x.score || (score == x.score && index < x.index)) x = {score, index};
    }
    __syncthreads();
    if (threadIdx.x % 32 == 0) {
      values[threadIdx.x / 32] = x.score;
      indices[threadIdx.x / 32] = x.index;
    }
    __syncthreads();
    for (int i = 0; i < kThreads / 32; ++i) {
      if (values[i] > x.score || (values[i] == x.score && indices[i] < x.index)) {
        x = {values[i], indices[i]};
      }
    }
    return x;
  }
};

/// Orders floats as unsigned integers.
__device__ __forceinline__ uint32_t ordered(float x) {
  const uint32_t bits = __float_as_uint(x);
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

/// Appends tokens to a sequence and advances its constraint; used by one thread.
struct Writer {
  SlotState& state;
  int* tokens;
  const SampleArguments& a;

  __device__ void append(int token, bool is_sampled, bool end) {
    tokens[state.known++] = token;
    ++(is_sampled ? state.sampled : state.forced);
    if (end) {
      state.end = SlotEnd::kEndOfSequence;
    } else if (state.known == state.limit) {
      state.end = SlotEnd::kLength;
    }
  }
  __device__ void after_literal(uint32_t segment, uint32_t taken) {
    const DeviceConstraint& c = state.constraint;
    const uint32_t* s = c.segments + 3 * static_cast<size_t>(segment);
    state.segment = segment;
    const bool last = static_cast<int>(segment) + 1 == c.segment_count;
    state.node = taken < s[1] || last ? taken : kTemplateInHole + s[2];
  }
  __device__ bool template_finished() const {
    const DeviceConstraint& c = state.constraint;
    return static_cast<int>(state.segment) + 1 == c.segment_count &&
           state.node == c.segments[3 * static_cast<size_t>(state.segment) + 1];
  }
  __device__ void take_edge(int edge, bool is_sampled) {
    const DeviceConstraint& c = state.constraint;
    const int token = c.edge_token[edge];
    const uint32_t next = c.edge_next[edge];
    if (next == kTemplateLeaveHole) {
      after_literal(state.segment + 1, 1);
    } else {
      state.node = kTemplateInHole + next;
    }
    append(token, is_sampled, template_finished());
  }
  /// One forced token, if there is one.
  __device__ bool take_forced() {
    const DeviceConstraint& c = state.constraint;
    if (c.kind == ConstraintKind::kTemplate) {
      if (state.node < kTemplateInHole) {
        const uint32_t* s = c.segments + 3 * static_cast<size_t>(state.segment);
        const int token = c.literals[s[0] + state.node];
        after_literal(state.segment, state.node + 1);
        append(token, false, template_finished());
        return true;
      }
      const uint32_t row = state.node - kTemplateInHole;
      const uint32_t begin = c.row_begin[row];
      if (c.row_begin[row + 1] - begin != 1) return false;
      take_edge(static_cast<int>(begin), false);
      return true;
    }
    if (c.kind == ConstraintKind::kPositions) {
      const int token = c.positions[2 * static_cast<size_t>(state.segment)];
      if (token < 0) return false;
      take_position(token, false);
      return true;
    }
    return false;
  }
  __device__ void take_position(int token, bool is_sampled) {
    ++state.segment;
    append(token, is_sampled, static_cast<int>(state.segment) >= state.constraint.position_count);
  }
  __device__ void take_free(int token) {
    bool end = false;
    for (int i = 0; i < a.end_count; ++i) end |= token == a.end_ids[i];
    append(token, true, end);
  }
};

/// Thread 0: books the pass and says what is to be drawn.
__device__ Task find_task(const SampleArguments& a, int index) {
  Task task = {};
  const int rows = a.sequence_rows[index];
  if (rows == 0) return task;
  task.slot = a.active.slots[index];
  SlotState& state = a.slots[task.slot];
  if (state.cached >= state.prompt_length) ++state.passes;
  state.cached += rows;
  if (a.sample_row[index] < 0) return task;
  const DeviceConstraint& c = state.constraint;
  task.count = a.vocabulary;
  if (c.kind == ConstraintKind::kFree) {
    task.mode = Mode::kAny;
  } else if (c.kind == ConstraintKind::kPositions) {
    const int* position = c.positions + 2 * static_cast<size_t>(state.segment);
    task.mode = position[0] >= 0 ? Mode::kForced : Mode::kMasked;
    task.mask = position[0] >= 0 ? nullptr : c.masks[position[1]];
    task.mask_allows = c.masks_allow;
    if (a.column_of != nullptr && task.mode == Mode::kMasked && c.reachable_count > 0) {
      task.ids = c.reachable;
      task.count = c.reachable_count;
    }
  } else if (state.node < kTemplateInHole) {
    task.mode = Mode::kForced;
  } else {
    const uint32_t row = state.node - kTemplateInHole;
    task.first_edge = static_cast<int>(c.row_begin[row]);
    task.count = static_cast<int>(c.row_begin[row + 1]) - task.first_edge;
    task.ids = c.edge_token + task.first_edge;
    task.mode = task.count == 1 ? Mode::kForced : Mode::kListed;
  }
  if (a.column_of != nullptr && task.ids == nullptr && task.mode != Mode::kForced) {
    task.mode = Mode::kFailed;
    task.failure = SlotEnd::kNotGathered;
  }
  return task;
}

template <int kThreads>
struct Draw {
  const SampleArguments& a;
  const Task& task;
  const SlotState& state;
  const float* row;
  Block<kThreads>& block;
  // Kept by top-k and top-p: keys above `border`, and equal ones with index up to `border_index`.
  uint32_t border = 0;
  int border_index = INT_MAX;

  __device__ int id(int index) const { return task.ids != nullptr ? task.ids[index] : index; }
  __device__ bool legal(int index) const {
    if (task.mask == nullptr) return true;
    const int at = id(index);
    const bool in = (task.mask[at / 32] >> (at % 32) & 1U) != 0;
    return in == (task.mask_allows != 0);
  }
  /// Column of a candidate, -1 if it was not computed.
  __device__ int column(int index) const {
    return a.column_of != nullptr ? a.column_of[id(index)] : id(index);
  }
  __device__ float logit(int index) const { return __ldg(row + column(index)); }
  __device__ bool kept(uint32_t key, int index) const {
    return key > border || (key == border && index <= border_index);
  }

  template <typename Value>
  __device__ double sum_over(Value value) {
    double sum = 0;
    for (int i = static_cast<int>(threadIdx.x); i < task.count; i += kThreads) {
      if (legal(i)) sum += value(i, logit(i));
    }
    return block.sum(sum);
  }
  /// Lowest index such that `wanted` kept candidates with key `border` lie at or below it.
  __device__ int index_border(double wanted) {
    int low = 0, high = task.count - 1;
    while (low < high) {
      const int middle = low + (high - low) / 2;
      const double n = sum_over([&](int i, float x) {
        return ordered(x) == border && i <= middle && i <= border_index ? 1.0 : 0.0;
      });
      if (n >= wanted) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
  template <typename Measure>
  __device__ uint32_t key_border(double wanted, Measure measure) {
    uint32_t key = 0;
    for (int bit = 31; bit >= 0; --bit) {
      const uint32_t trial = key | 1U << bit;
      const double n = sum_over([&](int i, float x) {
        const uint32_t k = ordered(x);
        return k >= trial && kept(k, i) ? measure(x) : 0.0;
      });
      if (n >= wanted) key = trial;
    }
    return key;
  }
  __device__ void keep_most_probable(float top, double total) {
    const double scale = state.inverse_temperature;
    const auto share = [&](float x) {
      return exp((static_cast<double>(x) - static_cast<double>(top)) * scale);
    };
    double mass = total;
    if (state.top_k > 0) {
      const double wanted = state.top_k;
      if (sum_over([](int, float) { return 1.0; }) > wanted) {
        const uint32_t key = key_border(wanted, [](float) { return 1.0; });
        const double above = sum_over([&](int, float x) { return ordered(x) > key ? 1.0 : 0.0; });
        border = key;
        border_index = index_border(wanted - above);
      }
      mass = sum_over([&](int i, float x) { return kept(ordered(x), i) ? share(x) : 0.0; });
    }
    if (state.top_p < 1) {
      const double wanted = static_cast<double>(state.top_p) * mass;
      const uint32_t key = key_border(wanted, share);
      if (key == 0) return;
      const double above = sum_over([&](int, float x) {
        const uint32_t k = ordered(x);
        return k > key ? share(x) : 0.0;
      });
      const uint32_t bits = (key & 0x80000000U) != 0 ? key & 0x7FFFFFFFU : ~key;
      const double each = share(__uint_as_float(bits));
      double needed = ceil((wanted - above) / each);
      needed = needed < 1 ? 1 : needed;
      if (key > border) border_index = INT_MAX;
      border = key;
      const double equal = sum_over(
          [&](int i, float x) { return ordered(x) == border && i <= border_index ? 1.0 : 0.0; });
      if (needed < equal) border_index = index_border(needed);
    }
  }

  /// The chosen candidate, or a failure.
  __device__ SlotEnd run(int& chosen, double& log_probability) {
    double bad = 0, found = 0;
    Candidate favourite = {-INFINITY, INT_MAX};
    for (int i = static_cast<int>(threadIdx.x); i < task.count; i += kThreads) {
      if (!legal(i)) continue;
      found = 1;
      const int at = column(i);
      if (at < 0) {
        bad = 1e6;
        continue;
      }
      const float x = __ldg(row + at);
      if (!isfinite(x)) bad += 1;
      if (x > favourite.score) favourite = {x, i};
    }
    bad = block.sum(bad);
    if (bad >= 1e6) return SlotEnd::kNotGathered;
    if (bad > 0) return SlotEnd::kNotFinite;
    if (block.sum(found) == 0) return SlotEnd::kNothingLegal;
    favourite = block.best(favourite);
    const float top = static_cast<float>(favourite.score);
    const double scale = state.inverse_temperature;
    const bool dense = task.ids == nullptr;
    const double total = sum_over([&](int, float x) {
      return dense ? static_cast<double>(expf((x - top) * static_cast<float>(scale)))
                   : exp((static_cast<double>(x) - static_cast<double>(top)) * scale);
    });
    chosen = favourite.index;
    if (state.greedy == 0) {
      if (state.top_k > 0 || state.top_p < 1) keep_most_probable(top, total);
      const uint32_t position = static_cast<uint32_t>(state.known - state.prompt_length);
      const auto bits_of = [&](int i) {
        return noise_bits(state.noise_key, position, static_cast<uint32_t>(id(i)));
      };
      Candidate best = {noisy_score(top, scale, bits_of(chosen)), chosen};
      const bool all = border == 0;
      for (int i = static_cast<int>(threadIdx.x); i < task.count; i += kThreads) {
        if (!legal(i)) continue;
        const float x = logit(i);
        if (!all && !kept(ordered(x), i)) continue;
        // Two exact bounds (engine/sampler.cpp): the largest variate, and 1 - u <= e^-t for t.
        const double gap = static_cast<double>(x) * scale - best.score;
        if (gap < -kMaxGumbel - 1e-5) continue;
        const uint32_t bits = bits_of(i);
        const float room = expf(static_cast<float>(fmin(gap, 0.0)));
        if (static_cast<float>(~bits) * 0x1p-32F > room * 1.0001F + 1e-30F) continue;
        const double score = noisy_score(x, scale, bits);
        if (score > best.score || (score == best.score && i < best.index)) best = {score, i};
      }
      chosen = block.best(best).index;
    }
    log_probability =
        (static_cast<double>(logit(chosen)) - static_cast<double>(top)) * scale - log(total);
    return SlotEnd::kRunning;
  }
};

template <int kThreads>
__global__ void __launch_bounds__(kThreads)
    sample_kernel(const __grid_constant__ SampleArguments a) {
  __shared__ Task task;
  __shared__ Block<kThreads> block;
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
  double log_probability = 0;
  if (task.mode == Mode::kListed || task.mode == Mode::kMasked || task.mode == Mode::kAny) {
    Draw<kThreads> draw{a, task, state, a.logits + static_cast<size_t>(index) * a.logit_stride,
                        block};
    failure = draw.run(chosen, log_probability);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  if (failure != SlotEnd::kRunning) {
    state.end = failure;
    return;
  }
  Writer writer{state, a.tokens + static_cast<size_t>(task.slot) * a.token_stride, a};
  state.log_probability += log_probability;
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
  if (a.merge_forced == 0) return;
  while (state.end == SlotEnd::kRunning && writer.take_forced()) {
  }
}

}  // namespace

void sample(const Stream& stream, const SampleArguments& a, int max_active) {
  const dim3 grid(static_cast<unsigned>(max_active));
  if (a.column_of != nullptr) {
    launch(stream, "sample", sample_kernel<64>, grid, dim3(64), 0, a);
  } else {
    launch(stream, "sample", sample_kernel<512>, grid, dim3(512), 0, a);
  }
}

}  // namespace molgen3d::cuda
