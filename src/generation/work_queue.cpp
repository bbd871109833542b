#include "generation/work_queue.h"

#include <algorithm>
#include <new>
#include <tuple>
#include <utility>

namespace molgen3d {

std::string cause_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return "out of memory";
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "unknown error";
  }
}

bool WorkQueue::Earlier::operator()(const Item& a, const Item& b) const {
  return std::tuple(a.epoch, ~a.length, a.order, a.piece.first) <
         std::tuple(b.epoch, ~b.length, b.order, b.piece.first);
}

WorkQueue::WorkQueue(size_t workers, size_t window, size_t context)
    : workers_(workers), window_(std::max<size_t>(window, 1)), context_(context) {}

void WorkQueue::join(size_t worker, const WorkerRoom& room) {
  const std::lock_guard lock(mutex_);
  workers_[worker].room = room;
  workers_[worker].there = true;
}

void WorkQueue::fail(size_t worker, const std::vector<WorkPiece>& unfinished,
                     std::exception_ptr error) {
  {
    const std::lock_guard lock(mutex_);
    Worker& lost = workers_[worker];
    lost.alive = false;
    WorkerFailure failure{worker, cause_of(error), 0};
    if (!cancelled_) {
      // They are late already, so they come first.
      for (const WorkPiece& piece : unfinished) {
        Item item = item_of(piece.request);
        item.piece = piece;
        item.epoch = 0;
        failure.given_back += piece.samples;
        items_.insert(std::move(item));
      }
      waiting_ += failure.given_back;
    }
    lost.running = 0;
    failures_.push_back(std::move(failure));
    last_error_ = std::move(error);
  }
  work_.notify_all();
  news_.notify_all();
}

WorkQueue::Item WorkQueue::item_of(std::shared_ptr<const Request> request) {
  Item item;
  item.order = pushed_++;
  item.epoch = item.order / window_;
  item.length = request->constraint ? request->constraint->max_tokens() : context_;
  if (request->max_new_tokens > 0)
    item.length = std::min<size_t>(item.length, request->max_new_tokens);
  item.need = std::min(request->prompt.size() + item.length, context_);
  item.piece = {request, request->first_sample, request->samples};
  return item;
}

void WorkQueue::push(std::vector<std::shared_ptr<const Request>> requests) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& request : requests) {
      if (request->samples == 0) continue;
      waiting_ += request->samples;
      items_.insert(item_of(std::move(request)));
    }
  }
  work_.notify_all();
}

void WorkQueue::push_to(size_t worker, std::shared_ptr<const Request> request) {
  {
    const std::lock_guard lock(mutex_);
    const uint32_t samples = request->samples, first = request->first_sample;
    workers_[worker].own.push_back({std::move(request), first, samples});
  }
  work_.notify_all();
}

size_t WorkQueue::alive() const {
  return static_cast<size_t>(
      std::count_if(workers_.begin(), workers_.end(), [](const Worker& w) { return w.alive; }));
}

// A cache that is too small for an answer shortens it: then only those with the largest may have
// it, so that results do not depend on who was free.
bool WorkQueue::fits(const Item& item, const Worker& worker) const {
  if (item.need <= worker.room.cache_tokens) return true;
  return std::none_of(workers_.begin(), workers_.end(), [&](const Worker& other) {
    return other.alive && other.room.cache_tokens > worker.room.cache_tokens;
  });
}

std::optional<WorkPiece> WorkQueue::take(size_t number) {
  Worker& worker = workers_[number];
  if (!worker.own.empty()) {
    WorkPiece piece = std::move(worker.own.back());
    worker.own.pop_back();
    worker.running += piece.samples;
    return piece;
  }
  const size_t left = alive();
  size_t running = 0, slots = 0;
  for (const Worker& other : workers_) {
    running += other.alive ? other.running : 0;
    slots += other.alive ? other.room.slots : 0;
  }
  const size_t share = (waiting_ + running + left - 1) / left;
  const size_t most = std::min<size_t>(worker.room.slots, share);
  if (worker.running >= most) return std::nullopt;
  for (auto place = items_.begin(); place != items_.end(); ++place) {
    if (!fits(*place, worker)) continue;
    auto node = items_.extract(place);
    Item& item = node.value();
    WorkPiece piece = item.piece;
    const bool plenty = left == 1 || waiting_ - piece.samples >= slots;
    if (!plenty) {
      piece.samples = static_cast<uint32_t>(std::min<size_t>(piece.samples, most - worker.running));
      if (piece.samples < item.piece.samples) {
        item.piece.first += piece.samples;
        item.piece.samples -= piece.samples;
        items_.insert(std::move(node));
      }
    }
    waiting_ -= piece.samples;
    worker.running += piece.samples;
    return piece;
  }
  return std::nullopt;
}

std::optional<WorkPiece> WorkQueue::pull(size_t worker, bool wait) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (closed_) return std::nullopt;
    if (!cancelled_) {
      if (auto piece = take(worker)) return piece;
    }
    if (!wait) return std::nullopt;
    work_.wait(lock);
  }
}

void WorkQueue::finish(size_t worker, Completion&& completion) {
  {
    const std::lock_guard lock(mutex_);
    --workers_[worker].running;
    finished_.push_back(std::move(completion));
  }
  news_.notify_one();
}

std::vector<Completion> WorkQueue::collect(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const auto lost = [&] { return alive() == 0 && !cancelled_; };
  news_.wait_for(lock, patience,
                 [&] { return !finished_.empty() || !failures_.empty() || lost(); });
  if (finished_.empty() && lost()) std::rethrow_exception(last_error_);
  return std::exchange(finished_, {});
}

std::vector<WorkerFailure> WorkQueue::take_failures() {
  const std::lock_guard lock(mutex_);
  return std::exchange(failures_, {});
}

void WorkQueue::cancel() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    items_.clear();
    waiting_ = 0;
    for (Worker& worker : workers_) worker.own.clear();
  }
  work_.notify_all();
}

bool WorkQueue::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

bool WorkQueue::idle() const {
  const std::lock_guard lock(mutex_);
  return std::all_of(workers_.begin(), workers_.end(),
                     [](const Worker& w) { return !w.alive || w.running == 0; });
}

void WorkQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  work_.notify_all();
}

bool WorkQueue::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace molgen3d
