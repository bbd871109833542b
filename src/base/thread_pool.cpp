#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"

namespace molgen3d {

namespace {

// Iterations a worker spins before it sleeps. A decode step issues a loop every few tens of
// microseconds; waking a sleeping thread costs about as much as such a loop.
constexpr int kSpins = 20000;

// Iterations the caller spins for chunks that others hold before it offers its core to them: on a
// busy machine the holder may be waiting for that very core.
constexpr int kCallerSpins = 2000;

// A ticket names a loop (upper half) and the next index of it that nobody has taken (lower half).
// Between loops the lower half is kClosed, so that a late worker can take nothing.
constexpr uint64_t kClosed = 0xFFFFFFFF;
constexpr uint64_t kLoop = uint64_t{1} << 32;

inline void cpu_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

struct ThreadPool::State {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<int> sleepers{0};
  std::atomic<bool> stopping{false};

  alignas(64) std::atomic<uint64_t> ticket{kClosed};
  std::atomic<const std::function<void(size_t, size_t)>*> body{nullptr};
  std::atomic<size_t> count{0};
  std::atomic<size_t> grain{1};
  alignas(64) std::atomic<size_t> done{0};  ///< indices whose chunks have been run
  std::exception_ptr error;
  std::mutex error_mutex;

  // Takes and runs chunks until none is left. A chunk taken keeps its loop, and so the body, alive:
  // the caller returns only when all are done. It does not wait for workers that took none.
  void drain() {
    for (uint64_t t = ticket.load(std::memory_order_acquire);;) {
      const size_t n = count.load(std::memory_order_relaxed);
      const size_t step = grain.load(std::memory_order_relaxed);
      const size_t begin = t & kClosed;
      if (begin == kClosed || begin >= n) return;
      const size_t end = std::min(begin + step, n);
      if (!ticket.compare_exchange_weak(t, t - begin + end, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
        continue;
      }
      try {
        (*body.load(std::memory_order_relaxed))(begin, end);
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
      }
      done.fetch_add(end - begin, std::memory_order_release);
      t = ticket.load(std::memory_order_acquire);
    }
  }

  void work() {
    uint64_t seen = kClosed;  // the ticket's loop that this worker has seen the end of
    const auto idle = [&] {
      return (ticket.load() | kClosed) == seen && !stopping.load(std::memory_order_relaxed);
    };
    for (;;) {
      for (int spin = 0; spin < kSpins && idle(); ++spin) cpu_pause();
      if (idle()) {
        std::unique_lock lock(mutex);
        sleepers.fetch_add(1);
        wake.wait(lock, [&] { return !idle(); });
        sleepers.fetch_sub(1);
      }
      if (stopping.load(std::memory_order_relaxed)) return;
      seen = ticket.load(std::memory_order_acquire) | kClosed;
      drain();
    }
  }

  void wake_sleepers() {
    if (sleepers.load() == 0) return;
    { const std::lock_guard lock(mutex); }  // a worker is either waiting or will see the change
    wake.notify_all();
  }
};

ThreadPool::ThreadPool(size_t threads) : state_(std::make_unique<State>()) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  for (size_t i = 1; i < threads; ++i) {
    state_->workers.emplace_back([s = state_.get()] { s->work(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping.store(true);
  }
  state_->wake.notify_all();
  for (auto& worker : state_->workers) worker.join();
}

size_t ThreadPool::size() const {
  return state_->workers.size() + 1;
}

void ThreadPool::parallel_for(size_t count, size_t grain,
                              const std::function<void(size_t, size_t)>& body) {
  if (count == 0) return;
  grain = std::max<size_t>(grain, 1);
  State& s = *state_;
  if (s.workers.empty() || count <= grain) {
    for (size_t begin = 0; begin < count; begin += grain) {
      body(begin, std::min(begin + grain, count));
    }
    return;
  }
  if (count >= kClosed) throw Error::format("a loop over {} indices is too long", count);
  // The ticket is closed: nobody reads these but to see that there is nothing to take.
  s.body.store(&body, std::memory_order_relaxed);
  s.count.store(count, std::memory_order_relaxed);
  s.grain.store(grain, std::memory_order_relaxed);
  s.error = nullptr;
  s.done.store(0, std::memory_order_relaxed);
  const uint64_t loop = (s.ticket.load(std::memory_order_relaxed) & ~kClosed) + kLoop;
  s.ticket.store(loop);  // sequentially consistent with sleepers: either side sees the other
  s.wake_sleepers();
  s.drain();
  for (int spin = 0; s.done.load(std::memory_order_acquire) != count; ++spin) {
    if (spin < kCallerSpins) {
      cpu_pause();
    } else {
      std::this_thread::yield();
    }
  }
  s.ticket.store(loop | kClosed, std::memory_order_release);
  if (s.error) std::rethrow_exception(s.error);
}

}  // namespace molgen3d
