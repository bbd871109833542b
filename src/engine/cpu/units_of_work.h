// Work that is cut into units which idle threads take, each thread with scratch of its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <vector>

#include "base/thread_pool.h"
#include "engine/cpu/extent.h"
#include "engine/cpu/huge_buffer.h"

namespace molgen3d::cpu {

template <typename T>
struct Scratch {
  float* tile;    ///< [kRowBlock, tile_stride]
  float* scores;  ///< [group, score_stride]
  T* weights;     ///< [group, score_stride]
  float* sums;    ///< [group]
};

template <typename T>
class UnitsOfWork {
 public:
  /// `pool` must outlive it. Throws Error when memory is lacking.
  UnitsOfWork(ThreadPool& pool, const Shape& shape, const Extent& extent)
      : pool_(pool), memory_(extent.threads * extent.scratch_bytes(shape, sizeof(T)), "scratch") {
    std::byte* next = memory_.data();
    for (size_t t = 0; t < extent.threads; ++t) {
      Scratch<T> s;
      s.tile = reinterpret_cast<float*>(next);
      s.scores = s.tile + kRowBlock * extent.tile_stride;
      s.sums = s.scores + shape.group * extent.score_stride;
      s.weights = reinterpret_cast<T*>(s.sums + round_up(shape.group, kPanel));
      scratch_.push_back(s);
      next += extent.scratch_bytes(shape, sizeof(T));
    }
  }

  /// Calls f(unit, scratch) for each unit of [0, count); idle threads take the next one.
  template <typename F>
  void for_each(size_t count, F&& f) {
    std::atomic<size_t> next{0};
    const auto body = [&](size_t slot, size_t) {
      for (size_t unit; (unit = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
        f(unit, scratch_[slot]);
      }
    };
    pool_.parallel_for(std::min(count, scratch_.size()), 1, std::cref(body));
  }

 private:
  ThreadPool& pool_;
  HugeBuffer memory_;
  std::vector<Scratch<T>> scratch_;
};

}  // namespace molgen3d::cpu
