#include "trace/record/span_writer.h"

#include <fmt/format.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/seeded_hash.h"
#include "trace/record/trace_file_writer.h"

namespace molgen3d {
namespace {

constexpr uint32_t kCounterFlag = 0x80000000u;
constexpr auto kDrainEvery = std::chrono::milliseconds(50);

// What a ring holds. A counter keeps its value in end_ns.
struct Record {
  uint64_t begin_ns;
  uint64_t end_ns;
  uint32_t name;
  SpanArgs args;
};
static_assert(sizeof(Record) == 32);

}  // namespace

// Single producer (its thread), single consumer (the writing thread).
struct TraceRecorder::Ring {
  explicit Ring(size_t size) : records(size), mask(size - 1) {}
  std::vector<Record> records;
  size_t mask;
  alignas(64) std::atomic<uint64_t> head{0};
  alignas(64) std::atomic<uint64_t> tail{0};
  std::atomic<uint64_t> dropped{0};
  long tid = 0;
  std::string name;           // guarded by Impl::mutex
  bool name_written = false;  // writing thread only
};

struct TraceRecorder::Impl {
  explicit Impl(TraceRecorderOptions o)
      : options(std::move(o)), base_ns(now_ns()), pid(getpid()), file(options.path, pid, base_ns) {}

  TraceRecorderOptions options;
  uint64_t base_ns;
  long pid;
  trace::TraceFileWriter file;  // writing thread only, from its start on

  mutable std::mutex mutex;  // names, rings, device queue
  std::vector<std::string> names;
  TextMap<uint32_t> name_ids;
  std::vector<std::unique_ptr<Ring>> rings;
  std::vector<DeviceSpan> device_queue;
  std::atomic<uint64_t> device_dropped{0};
  std::atomic<uint64_t> device_rejected{0};
  std::atomic<uint64_t> written{0};

  std::thread writer;
  sem_t wake;
  std::atomic<bool> stop{false};
  std::atomic<bool> finished{false};
  std::string failure;     // set by the writing thread before `finished`
  double cpu_seconds = 0;  // likewise
  bool joined = false;

  std::vector<DeviceSpan> device_batch;  // writing thread only

  uint32_t intern_locked(std::string_view name) {
    auto [it, added] = name_ids.try_emplace(std::string(name), static_cast<uint32_t>(names.size()));
    if (added) names.emplace_back(name);
    return it->second;
  }

  // Names that came since; before any event that carries them is written.
  void pass_names() {
    std::lock_guard lock(mutex);
    for (size_t i = file.names(); i < names.size(); ++i) file.add_name(names[i]);
  }

  void write_record(const Ring& ring, const Record& r) {
    if (r.name & kCounterFlag) {
      file.add_counter(ring.tid, r.name & ~kCounterFlag, r.begin_ns,
                       static_cast<int64_t>(r.end_ns));
    } else {
      file.add_span(ring.tid, r.name, r.begin_ns, r.end_ns, r.args);
    }
  }

  void drain() {
    size_t count = 0;
    {
      std::lock_guard lock(mutex);
      count = rings.size();
      device_batch.swap(device_queue);
    }
    for (size_t i = 0; i < count; ++i) {
      Ring* ring = nullptr;
      std::string thread_name;
      {
        std::lock_guard lock(mutex);
        ring = rings[i].get();
        if (!ring->name_written) thread_name = ring->name;
      }
      const uint64_t head = ring->head.load(std::memory_order_acquire);
      pass_names();
      uint64_t tail = ring->tail.load(std::memory_order_relaxed);
      if (head == tail) continue;
      if (!ring->name_written) {
        ring->name_written = true;
        if (thread_name.empty()) {
          thread_name = ring->tid == pid ? "main" : fmt::format("thread {}", ring->tid);
        }
        file.name_thread(ring->tid, thread_name);
      }
      for (; tail != head; ++tail) {
        write_record(*ring, ring->records[tail & ring->mask]);
        written.fetch_add(1, std::memory_order_relaxed);
        ring->tail.store(tail + 1, std::memory_order_release);
        file.flush(false);
      }
    }
    pass_names();
    for (const DeviceSpan& span : device_batch) {
      file.add_device_span(span);
      written.fetch_add(1, std::memory_order_relaxed);
      file.flush(false);
    }
    device_batch.clear();
    file.flush(true);
  }

  uint64_t dropped() const {
    std::lock_guard lock(mutex);
    uint64_t sum = device_dropped.load(std::memory_order_relaxed);
    for (const auto& ring : rings) sum += ring->dropped.load(std::memory_order_relaxed);
    return sum;
  }

  void run() {
    try {
      const auto wall = std::chrono::system_clock::now().time_since_epoch();
      const auto wall_ns =
          static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count());
      file.begin(options.process_name, wall_ns - (now_ns() - base_ns), options.metadata);
      while (!stop.load(std::memory_order_acquire)) {
        timespec until{};
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += std::chrono::nanoseconds(kDrainEvery).count();
        if (until.tv_nsec >= 1000000000) {
          until.tv_nsec -= 1000000000;
          ++until.tv_sec;
        }
        while (sem_timedwait(&wake, &until) != 0 && errno == EINTR) {
        }
        drain();
      }
      drain();
      if (const uint64_t lost = dropped(); lost > 0) {
        file.add_remark(fmt::format("recorder dropped {} spans", lost), now_ns());
      }
      file.end();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    cpu_seconds = static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
    finished.store(true, std::memory_order_release);
  }
};

namespace {

// The ring of this thread in the recorder it used last. Recorders have unique ids, so a stale
// pointer is never followed.
struct ThreadCache {
  uint64_t recorder = 0;
  void* ring = nullptr;
};
thread_local ThreadCache thread_cache;
std::atomic<uint64_t> next_recorder{1};

}  // namespace

TraceRecorder::TraceRecorder(TraceRecorderOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))), unique_id_(next_recorder.fetch_add(1)) {
  Impl& m = *impl_;
  m.options.ring_records = std::bit_ceil(std::max<size_t>(m.options.ring_records, 16));
  for (uint32_t phase = 0; phase < kRunPhases; ++phase) {
    m.intern_locked(run_phase_name(static_cast<RunPhase>(phase)));
  }
  sem_init(&m.wake, 0, 0);
  // Signals must not land on the writing thread: close_from_signal() waits for it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    m.writer = std::thread([&m] { m.run(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TraceRecorder::~TraceRecorder() {
  try {
    close();
  } catch (const std::exception&) {
    // close() is the place to learn of a full disk.
  }
  sem_destroy(&impl_->wake);
}

uint32_t TraceRecorder::intern(std::string_view name) {
  std::lock_guard lock(impl_->mutex);
  return impl_->intern_locked(name);
}

TraceRecorder::Ring* TraceRecorder::ring_of_thread() noexcept {
  if (thread_cache.recorder == unique_id_) return static_cast<Ring*>(thread_cache.ring);
  const long tid = syscall(SYS_gettid);
  Ring* ring = nullptr;
  try {
    std::lock_guard lock(impl_->mutex);
    for (const auto& candidate : impl_->rings) {
      if (candidate->tid == tid) ring = candidate.get();
    }
    if (!ring) {
      impl_->rings.push_back(std::make_unique<Ring>(impl_->options.ring_records));
      ring = impl_->rings.back().get();
      ring->tid = tid;
    }
  } catch (const std::bad_alloc&) {
    impl_->device_dropped.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  thread_cache = {unique_id_, ring};
  return ring;
}

void TraceRecorder::add_span(uint32_t name, uint64_t begin_ns, uint64_t end_ns,
                             SpanArgs args) noexcept {
  Ring* ring = ring_of_thread();
  if (!ring) return;
  const uint64_t head = ring->head.load(std::memory_order_relaxed);
  if (head - ring->tail.load(std::memory_order_acquire) > ring->mask) {
    ring->dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  ring->records[head & ring->mask] = {begin_ns, end_ns < begin_ns ? begin_ns : end_ns, name, args};
  ring->head.store(head + 1, std::memory_order_release);
}

void TraceRecorder::add_counter(uint32_t name, int64_t value) noexcept {
  Ring* ring = ring_of_thread();
  if (!ring) return;
  const uint64_t head = ring->head.load(std::memory_order_relaxed);
  if (head - ring->tail.load(std::memory_order_acquire) > ring->mask) {
    ring->dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  ring->records[head & ring->mask] = {
      now_ns(), static_cast<uint64_t>(value), name | kCounterFlag, {}};
  ring->head.store(head + 1, std::memory_order_release);
}

void TraceRecorder::add_device_spans(std::span<const DeviceSpan> spans) {
  Impl& m = *impl_;
  std::lock_guard lock(m.mutex);
  for (const DeviceSpan& span : spans) {
    if (span.begin_ns == 0 || span.end_ns < span.begin_ns) {
      m.device_rejected.fetch_add(1, std::memory_order_relaxed);
    } else if (m.device_queue.size() >= m.options.device_records) {
      m.device_dropped.fetch_add(1, std::memory_order_relaxed);
    } else {
      m.device_queue.push_back(span);
    }
  }
}

void TraceRecorder::name_thread(std::string_view name) {
  Ring* ring = ring_of_thread();
  std::lock_guard lock(impl_->mutex);
  if (ring) ring->name = name;
}

void TraceRecorder::close() {
  Impl& m = *impl_;
  if (!m.joined) {
    m.stop.store(true, std::memory_order_release);
    sem_post(&m.wake);
    m.writer.join();
    m.joined = true;
  }
  if (!m.failure.empty()) {
    const std::string message = std::move(m.failure);
    m.failure.clear();
    throw Error(message);
  }
}

bool TraceRecorder::close_from_signal(int timeout_ms) noexcept {
  Impl& m = *impl_;
  m.stop.store(true, std::memory_order_release);
  sem_post(&m.wake);
  for (int waited = 0; waited <= timeout_ms; ++waited) {
    if (m.finished.load(std::memory_order_acquire)) return m.failure.empty();
    const timespec one_ms{0, 1000000};
    nanosleep(&one_ms, nullptr);
  }
  return false;
}

TraceRecorderCounts TraceRecorder::counts() const noexcept {
  return {impl_->written.load(std::memory_order_relaxed), impl_->dropped(),
          impl_->device_rejected.load(std::memory_order_relaxed),
          impl_->finished.load(std::memory_order_acquire) ? impl_->cpu_seconds : 0.0};
}

}  // namespace molgen3d
