// Work for several engines: one queue of requests, longest first, from which every engine takes
// what it has room for. What an engine could not finish goes back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/request.h"

namespace molgen3d {

/// Samples first .. first + samples - 1 of one request.
struct WorkPiece {
  std::shared_ptr<const Request> request;
  uint32_t first = 0;
  uint32_t samples = 0;
};

/// What a worker can hold.
struct WorkerRoom {
  uint32_t slots = 0;       ///< sequences at once
  size_t cache_tokens = 0;  ///< of keys and values
};

/// A worker that failed, and why.
struct WorkerFailure {
  size_t worker = 0;
  std::string cause;
  size_t given_back = 0;  ///< samples
};

/// Thread-safe. Workers are known by their number; one of them ends in fail() or goes on until
/// closed().
class WorkQueue {
 public:
  /// `window`: a piece is handed out before any that was pushed this many requests later.
  /// `context`: of the model, in tokens.
  WorkQueue(size_t workers, size_t window, size_t context);

  /// The worker is there. Whoever never joins or fails keeps its share of small work.
  void join(size_t worker, const WorkerRoom& room);
  /// The worker is lost, and what it had taken and not finished is to be done by others.
  void fail(size_t worker, const std::vector<WorkPiece>& unfinished, std::exception_ptr error);

  void push(std::vector<std::shared_ptr<const Request>> requests);
  /// The same, for one worker alone.
  void push_to(size_t worker, std::shared_ptr<const Request> request);

  /// The next piece for a worker that has room for it. With `wait` it comes back with a piece or
  /// when the queue is closed, else at once. Little work is shared evenly; of much, a worker takes
  /// whole requests, whose samples share the pages of their prompt.
  std::optional<WorkPiece> pull(size_t worker, bool wait);
  /// A sample of the worker is done, cancelled ones too.
  void finish(size_t worker, Completion&& completion);

  /// What was finished since the last call; waits for it, for failures and for cancel() as long as
  /// `patience`. Throws the last worker's error when no worker is left and there is work.
  std::vector<Completion> collect(std::chrono::milliseconds patience);
  /// Workers that were lost since the last call.
  std::vector<WorkerFailure> take_failures();

  /// Drops what nobody has taken; workers are to cancel what they have.
  void cancel();
  bool cancelled() const;
  /// No worker has anything.
  bool idle() const;
  void close();
  bool closed() const;

 private:
  struct Item {
    WorkPiece piece;
    uint64_t epoch = 0, order = 0;
    size_t length = 0;  ///< tokens that the answer can have
    size_t need = 0;    ///< tokens with the prompt, within the context
  };
  struct Earlier {
    bool operator()(const Item& a, const Item& b) const;
  };
  struct Worker {
    WorkerRoom room;
    bool alive = true, there = false;
    size_t running = 0;  ///< samples
    std::vector<WorkPiece> own;
  };

  Item item_of(std::shared_ptr<const Request> request);
  std::optional<WorkPiece> take(size_t worker);
  size_t alive() const;
  bool fits(const Item& item, const Worker& worker) const;

  mutable std::mutex mutex_;
  std::condition_variable work_, news_;
  std::vector<Worker> workers_;
  std::multiset<Item, Earlier> items_;
  size_t waiting_ = 0;  ///< samples in items_
  size_t window_, context_;
  uint64_t pushed_ = 0;
  std::vector<Completion> finished_;
  std::vector<WorkerFailure> failures_;
  std::exception_ptr last_error_;
  bool cancelled_ = false, closed_ = false;
};

/// One line of an error that was caught.
std::string cause_of(const std::exception_ptr& error);

}  // namespace molgen3d
