// Threads for the chemistry around the engine: molecules in, records out.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace molgen3d {

/// Tasks run in the order of post(), some at a time. What a task throws ends the process: tasks
/// catch what can be caught.
class Workers {
 public:
  explicit Workers(size_t threads);  ///< 0: one per core
  ~Workers();                        ///< runs what was posted, then ends
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void post(std::function<void()> task);
  size_t size() const { return threads_.size(); }

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace molgen3d
