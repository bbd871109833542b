// A fixed set of worker threads for data-parallel loops.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace molgen3d {

/// Runs loops over a fixed number of threads (the caller is one of them). Results of the library
/// never depend on the number of threads: work is cut by index, not by thread.
class ThreadPool {
 public:
  /// `threads` >= 1; 0 means one per available core.
  explicit ThreadPool(size_t threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t size() const;

  /// Calls `body(begin, end)` on disjoint ranges that cover [0, count), each at most `grain` long,
  /// and returns when all are done. The first exception thrown by a body is rethrown here.
  /// Not reentrant.
  void parallel_for(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace molgen3d
