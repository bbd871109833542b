// One draw by a thread block: legal tokens, temperature, top-k, top-p, min-p, Gumbel-max; the law
// of engine/sampler.h.
#pragma once

#include <climits>

#include "engine/cuda/sample_task.cuh"
#include "engine/gumbel.h"

namespace molgen3d::cuda {

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
  bool restricted = false;  ///< to task.allowed
  float legal_top = 0;      ///< of the legal tokens' logits
  double legal_total = 0;   ///< their mass, as multiples of its share

  __device__ int id(int index) const { return task.ids != nullptr ? task.ids[index] : index; }
  __device__ bool legal(int index) const {
    if (restricted && (task.allowed[index / 32] >> (index % 32) & 1U) == 0) return false;
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

  /// The favourite legal candidate, or a failure.
  __device__ SlotEnd find_favourite(Candidate& favourite) {
    double bad = 0, found = 0;
    favourite = {-INFINITY, INT_MAX};
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
    return SlotEnd::kRunning;
  }
  /// Sum of e^((logit - top) scale) over the legal ones.
  __device__ double mass(float top, double scale) {
    const bool dense = task.ids == nullptr;
    return sum_over([&](int, float x) {
      return dense ? static_cast<double>(expf((x - top) * static_cast<float>(scale)))
                   : exp((static_cast<double>(x) - static_cast<double>(top)) * scale);
    });
  }

  /// After run(): candidate `index`'s share of the legal mass.
  __device__ float share(int index) const {
    return expf((logit(index) - legal_top) * static_cast<float>(state.inverse_temperature)) /
           static_cast<float>(legal_total);
  }

  /// The chosen candidate, or a failure. `log_kept`: of the legal mass, by task.allowed.
  __device__ SlotEnd run(int& chosen, double& log_probability, double& log_kept) {
    Candidate favourite;
    const SlotEnd failure = find_favourite(favourite);
    if (failure != SlotEnd::kRunning) return failure;
    float top = static_cast<float>(favourite.score);
    const double scale = state.inverse_temperature;
    double total = mass(top, scale);
    log_kept = 0;
    legal_top = top;
    legal_total = total;
    if (task.allowed != nullptr) {
      const double legal_mass = static_cast<double>(top) * scale + log(total);
      restricted = true;
      find_favourite(favourite);  // some are allowed, and all of them are finite
      top = static_cast<float>(favourite.score);
      total = mass(top, scale);
      log_kept = fmin(0.0, static_cast<double>(top) * scale + log(total) - legal_mass);
    }
    chosen = favourite.index;
    if (state.greedy == 0) {
      if (state.top_k > 0 || state.top_p < 1) keep_most_probable(top, total);
      const uint32_t position = static_cast<uint32_t>(state.known - state.prompt_length);
      const auto bits_of = [&](int i) {
        return noise_bits(task.noise_key, position, static_cast<uint32_t>(id(i)));
      };
      Candidate best = {noisy_score(top, scale, bits_of(chosen)), chosen};
      const bool all = border == 0;
      for (int i = static_cast<int>(threadIdx.x); i < task.count; i += kThreads) {
        if (!legal(i)) continue;
        const float x = logit(i);
        if (!all && !kept(ordered(x), i)) continue;
        if ((static_cast<double>(x) - static_cast<double>(top)) * scale < state.least_log_share)
          continue;
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
    log_probability = (static_cast<double>(logit(chosen)) - static_cast<double>(top)) * scale -
                      log(total) + log_kept;
    return SlotEnd::kRunning;
  }
};

/// The same law for at most 32 listed candidates, one a lane, without top-k and top-p: what nearly
/// every step of a number is. The same bits as Draw, since the other warps' part of its sums is
/// zero. The lanes of one warp call it.
struct WarpDraw {
  const Task& task;
  const SlotState& state;
  uint32_t allowed;       ///< bit of each candidate
  float legal_share = 0;  ///< of this lane's candidate, of the legal mass

  __device__ static double sum(double x) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(0xFFFFFFFFU, x, step);
    return 0.0 + x;
  }
  __device__ static Candidate best(Candidate x) {
#pragma unroll
    for (int step = 16; step > 0; step /= 2) {
      const double score = __shfl_xor_sync(0xFFFFFFFFU, x.score, step);
      const int index = __shfl_xor_sync(0xFFFFFFFFU, x.index, step);
      if (score > x.score || (score == x.score && index < x.index)) x = {score, index};
    }
    return x;
  }

  /// `row`: logits. As Draw::run(); every lane gets all of it.
  __device__ SlotEnd run(const SampleArguments& a, const float* row, int& chosen,
                         double& log_probability, double& log_kept) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const bool in = lane < task.count;
    const int id = in ? task.ids[lane] : 0;
    const int column = in ? a.column_of[id] : 0;
    const float x = in && column >= 0 ? __ldg(row + column) : 0.0F;
    if (__any_sync(0xFFFFFFFFU, in && column < 0)) return SlotEnd::kNotGathered;
    if (__any_sync(0xFFFFFFFFU, in && !isfinite(x))) return SlotEnd::kNotFinite;
    const double scale = state.inverse_temperature;
    Candidate favourite = best({in ? x : -INFINITY, in ? lane : INT_MAX});
    float top = static_cast<float>(favourite.score);
    const auto mass = [&](bool counts) {
      return sum(counts ? exp((static_cast<double>(x) - static_cast<double>(top)) * scale) : 0.0);
    };
    double total = mass(in);
    legal_share = in ? expf((x - top) * static_cast<float>(scale)) / static_cast<float>(total) : 0;
    log_kept = 0;
    bool may = in;
    if (task.allowed != nullptr) {
      const double legal_mass = static_cast<double>(top) * scale + log(total);
      may = in && (allowed >> lane & 1U) != 0;
      favourite = best({may ? x : -INFINITY, may ? lane : INT_MAX});
      top = static_cast<float>(favourite.score);
      total = mass(may);
      log_kept = fmin(0.0, static_cast<double>(top) * scale + log(total) - legal_mass);
    }
    chosen = favourite.index;
    if (state.greedy == 0) {
      const uint32_t position = static_cast<uint32_t>(state.known - state.prompt_length);
      const bool enough =
          lane == chosen ||
          (static_cast<double>(x) - static_cast<double>(top)) * scale >= state.least_log_share;
      Candidate mine = {-INFINITY, INT_MAX};
      if (may && enough) {
        mine = {
            noisy_score(x, scale, noise_bits(task.noise_key, position, static_cast<uint32_t>(id))),
            lane};
      }
      chosen = best(mine).index;
    }
    log_probability =
        (static_cast<double>(__shfl_sync(0xFFFFFFFFU, x, chosen)) - static_cast<double>(top)) *
            scale -
        log(total) + log_kept;
    return SlotEnd::kRunning;
  }
};

}  // namespace molgen3d::cuda
