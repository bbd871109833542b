// Runs tasks in child processes: one that hangs is killed, one that crashes is replaced, and either
// costs only itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace molgen3d {

/// Tasks and replies are byte strings. A child handles one task at a time and lives for many.
class WorkerPool {
 public:
  /// Runs in the child. What it throws comes back as kFailed with what(); it inherits the memory of
  /// the parent as it was at the fork.
  using Handler = std::function<std::string(const std::string& task)>;

  struct Result {
    enum class Status : uint8_t {
      kDone,
      kFailed,   ///< the handler threw
      kTimeout,  ///< killed
      kCrashed,  ///< the child died by itself
    };
    uint64_t id = 0;
    Status status = Status::kDone;
    std::string reply;  ///< kDone
    std::string cause;  ///< the others: one line
  };

  /// Forks `workers` children (0: one per core the process may use). The calling process must not
  /// run other threads: a fork copies only the calling one, with every lock as it stands. `timeout`
  /// is wall time per task. Throws Error when no process can be made.
  WorkerPool(size_t workers, std::chrono::milliseconds timeout, Handler handler);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  size_t size() const { return workers_.size(); }
  /// Tasks that were submitted and not returned yet.
  size_t outstanding() const { return queue_.size() + running_; }

  /// Tasks start in this order. `id` comes back with the result.
  void submit(uint64_t id, std::string task);
  /// Forgets the tasks that no child has begun; their results never come.
  void drop_waiting() { queue_.clear(); }
  /// The next finished task, in no particular order; nothing after `patience` or when there is none
  /// outstanding.
  std::optional<Result> wait(std::chrono::milliseconds patience);

 private:
  struct Task {
    uint64_t id = 0;
    std::string bytes;
  };
  struct Worker {
    pid_t pid = -1;
    int socket = -1;
    bool busy = false;
    uint64_t id = 0;
    std::chrono::steady_clock::time_point deadline;
    std::string received;
  };

  void start(Worker& worker);
  [[noreturn]] void serve(int socket);
  void hand_out();
  /// Reads what `worker` sent; a result when that completes its reply or it died.
  std::optional<Result> receive(Worker& worker);
  Result bury(Worker& worker, Result::Status status, std::string cause);
  void stop(Worker& worker);

  Handler handler_;
  std::chrono::milliseconds timeout_;
  std::vector<Worker> workers_;
  std::deque<Task> queue_;
  size_t running_ = 0;
};

}  // namespace molgen3d
