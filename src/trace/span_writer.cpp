#include "trace/span_writer.h"

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
#include <map>
#include <mutex>
#include <thread>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "trace/json_text.h"
#include "trace/output_file.h"

namespace molgen3d {
namespace {

constexpr uint32_t kCounterFlag = 0x80000000u;
constexpr uint64_t kMaxId = (uint64_t{1} << 53) - 1;
constexpr auto kDrainEvery = std::chrono::milliseconds(50);
constexpr size_t kSyncBytes = 1 << 20;

// What a ring holds. A counter keeps its value in end_ns.
struct Record {
  uint64_t begin_ns;
  uint64_t end_ns;
  uint32_t name;
  SpanArgs args;
};
static_assert(sizeof(Record) == 32);

std::string_view category_of(DeviceSpanKind kind) {
  switch (kind) {
    case DeviceSpanKind::kKernel:
      return "kernel";
    case DeviceSpanKind::kCopy:
      return "gpu_memcpy";
    case DeviceSpanKind::kFill:
      return "gpu_memset";
    case DeviceSpanKind::kGraph:
      return "gpu_graph";
    case DeviceSpanKind::kRuntime:
      return "cuda_runtime";
    case DeviceSpanKind::kSync:
      return "cuda_sync";
  }
  return "kernel";
}

void append_us(std::string& out, int64_t ns) {
  const uint64_t magnitude = ns < 0 ? uint64_t{0} - static_cast<uint64_t>(ns) : ns;
  fmt::format_to(std::back_inserter(out), "{}{}.{:03}", ns < 0 ? "-" : "", magnitude / 1000,
                 magnitude % 1000);
}

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
  explicit Impl(TraceRecorderOptions o) : options(std::move(o)), file(options.path) {}

  TraceRecorderOptions options;
  trace::OutputFile file;
  uint64_t base_ns = 0;
  long pid = 0;

  mutable std::mutex mutex;  // names, rings, device queue
  std::vector<std::string> names;
  std::unordered_map<std::string, uint32_t> name_ids;
  std::vector<std::unique_ptr<Ring>> rings;
  std::vector<DeviceSpan> device_queue;
  std::atomic<uint64_t> device_dropped{0};
  std::atomic<uint64_t> device_rejected{0};
  std::atomic<uint64_t> written{0};

  std::thread writer;
  sem_t wake;
  std::atomic<bool> stop{false};
  std::atomic<bool> finished{false};
  std::string failure;  // set by the writing thread before `finished`
  bool joined = false;

  // Writing thread only.
  std::string text;
  size_t unsynced = 0;
  bool first_event = true;
  std::vector<std::string> quoted_names;
  std::vector<DeviceSpan> device_batch;
  struct Lane {
    std::vector<uint64_t> ends;  // per lane of this row: the end of its last span
  };
  std::map<std::tuple<bool, int, uint32_t>, Lane> lanes;  // (host row, device, stream or thread)
  std::map<int, bool> device_named;

  uint32_t intern_locked(std::string_view name) {
    auto [it, added] = name_ids.try_emplace(std::string(name), static_cast<uint32_t>(names.size()));
    if (added) names.emplace_back(name);
    return it->second;
  }

  void begin_event() {
    text += first_event ? "\n" : ",\n";
    first_event = false;
  }

  void metadata_event(std::string_view what, int64_t pid_value, int64_t tid_value,
                      std::string_view key, std::string_view value_json) {
    begin_event();
    fmt::format_to(std::back_inserter(text),
                   R"({{"ph":"M","name":"{}","pid":{},"tid":{},"ts":0,"args":{{"{}":{}}}}})", what,
                   pid_value, tid_value, key, value_json);
  }

  static std::string quoted_json(std::string_view value) {
    std::string out;
    trace::append_json_string(out, value);
    return out;
  }

  void write_header() {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const uint64_t wall_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count() - (now_ns() - base_ns);
    text += fmt::format(R"({{"schemaVersion":1,"displayTimeUnit":"ms","baseTimeNanoseconds":{})",
                        wall_ns);
    for (const auto& [key, value] : options.metadata) {
      text += ",";
      trace::append_json_string(text, key);
      text += ":";
      trace::append_json_string(text, value);
    }
    text += ",\"traceEvents\":[";
    metadata_event("process_name", pid, pid, "name", quoted_json(options.process_name));
    metadata_event("process_sort_index", pid, pid, "sort_index", "0");
    flush_text(true);
  }

  void flush_text(bool force) {
    if (text.empty() || (!force && text.size() < (1 << 16))) return;
    file.write(text);
    unsynced += text.size();
    text.clear();
    if (unsynced >= kSyncBytes) {
      file.sync();
      unsynced = 0;
    }
  }

  const std::string& quoted_name(uint32_t id) {
    if (id >= quoted_names.size()) {
      std::lock_guard lock(mutex);
      for (size_t i = quoted_names.size(); i < names.size(); ++i) {
        quoted_names.push_back(quoted_json(names[i]));
      }
    }
    static const std::string unknown = "\"?\"";
    return id < quoted_names.size() ? quoted_names[id] : unknown;
  }

  void write_record(const Ring& ring, const Record& r) {
    begin_event();
    if (r.name & kCounterFlag) {
      fmt::format_to(std::back_inserter(text), R"({{"ph":"C","name":{},"pid":{},"tid":{},"ts":)",
                     quoted_name(r.name & ~kCounterFlag), pid, ring.tid);
      append_us(text, static_cast<int64_t>(r.begin_ns - base_ns));
      fmt::format_to(std::back_inserter(text), R"(,"args":{{"value":{}}}}})",
                     static_cast<int64_t>(r.end_ns));
      return;
    }
    fmt::format_to(
        std::back_inserter(text), R"({{"ph":"X","cat":"{}","name":{},"pid":{},"tid":{},"ts":)",
        r.name < kRunPhases ? "user_annotation" : "cpu_op", quoted_name(r.name), pid, ring.tid);
    append_us(text, static_cast<int64_t>(r.begin_ns - base_ns));
    text += ",\"dur\":";
    append_us(text, static_cast<int64_t>(r.end_ns - r.begin_ns));
    if (r.args.step >= 0 || r.args.rows >= 0 || r.args.tokens >= 0) {
      text += ",\"args\":{";
      bool first = true;
      auto put = [&](const char* key, int32_t value) {
        if (value < 0) return;
        fmt::format_to(std::back_inserter(text), "{}\"{}\":{}", first ? "" : ",", key, value);
        first = false;
      };
      put("step", r.args.step);
      put("rows", r.args.rows);
      put("tokens", r.args.tokens);
      text += '}';
    }
    text += '}';
  }

  // Row ids stay below 2^32 (what importers keep): host rows of CUDA calls start at 2 * 10^9, the
  // n-th overflow lane of a stream at n * 10^6.
  void write_device(const DeviceSpan& s) {
    const bool host = s.kind == DeviceSpanKind::kRuntime;
    Lane& row = lanes[{host, host ? 0 : s.device, s.lane}];
    size_t lane = 0;
    while (lane < row.ends.size() && row.ends[lane] > s.begin_ns) ++lane;
    const int64_t row_pid = host ? pid : s.device;
    const int64_t row_tid = (host ? 2000000000 + int64_t{s.lane} % 100000000 : int64_t{s.lane}) +
                            static_cast<int64_t>(lane) * (host ? 100000000 : 1000000);
    if (lane == row.ends.size()) {
      row.ends.push_back(0);
      if (!host && !device_named[s.device]) {
        device_named[s.device] = true;
        metadata_event("process_name", row_pid, 0, "name",
                       quoted_json(fmt::format("GPU {}", s.device)));
        metadata_event("process_sort_index", row_pid, 0, "sort_index",
                       std::to_string(1000 + s.device));
      }
      std::string name =
          host ? fmt::format("CUDA calls, thread {}", s.lane) : fmt::format("stream {}", s.lane);
      if (lane > 0) name += fmt::format(" #{}", lane + 1);
      metadata_event("thread_name", row_pid, row_tid, "name", quoted_json(name));
    }
    row.ends[lane] = s.end_ns;
    begin_event();
    fmt::format_to(std::back_inserter(text),
                   R"({{"ph":"X","cat":"{}","name":{},"pid":{},"tid":{},"ts":)",
                   category_of(s.kind), quoted_name(s.name), row_pid, row_tid);
    append_us(text, static_cast<int64_t>(s.begin_ns - base_ns));
    text += ",\"dur\":";
    append_us(text, static_cast<int64_t>(s.end_ns - s.begin_ns));
    text += ",\"args\":{";
    if (host) {
      fmt::format_to(std::back_inserter(text), "\"thread\":{}", s.lane);
    } else {
      fmt::format_to(std::back_inserter(text), R"("device":{},"stream":{})", s.device, s.lane);
    }
    if (s.correlation != 0) {
      fmt::format_to(std::back_inserter(text), ",\"correlation\":{}", s.correlation & kMaxId);
    }
    if (s.bytes >= 0) fmt::format_to(std::back_inserter(text), ",\"bytes\":{}", s.bytes);
    if (s.graph_node >= 0) {
      fmt::format_to(std::back_inserter(text), ",\"graph node id\":{}",
                     static_cast<uint64_t>(s.graph_node) & kMaxId);
    }
    if (s.operation != kNoName) {
      fmt::format_to(std::back_inserter(text), ",\"operation\":{}", quoted_name(s.operation));
    }
    if (s.layer >= 0) fmt::format_to(std::back_inserter(text), ",\"layer\":{}", s.layer);
    text += "}}";
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
      uint64_t tail = ring->tail.load(std::memory_order_relaxed);
      if (head == tail) continue;
      if (!ring->name_written) {
        ring->name_written = true;
        if (thread_name.empty()) {
          thread_name = ring->tid == pid ? "main" : fmt::format("thread {}", ring->tid);
        }
        metadata_event("thread_name", pid, ring->tid, "name", quoted_json(thread_name));
      }
      for (; tail != head; ++tail) {
        write_record(*ring, ring->records[tail & ring->mask]);
        written.fetch_add(1, std::memory_order_relaxed);
        ring->tail.store(tail + 1, std::memory_order_release);
        flush_text(false);
      }
    }
    for (const DeviceSpan& span : device_batch) {
      write_device(span);
      written.fetch_add(1, std::memory_order_relaxed);
      flush_text(false);
    }
    device_batch.clear();
    flush_text(true);
  }

  uint64_t dropped() const {
    std::lock_guard lock(mutex);
    uint64_t sum = device_dropped.load(std::memory_order_relaxed);
    for (const auto& ring : rings) sum += ring->dropped.load(std::memory_order_relaxed);
    return sum;
  }

  void run() {
    try {
      write_header();
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
        begin_event();
        fmt::format_to(std::back_inserter(text),
                       R"({{"ph":"i","s":"g","name":"recorder dropped {} spans","pid":{},"tid":{},)"
                       R"("ts":)",
                       lost, pid, pid);
        append_us(text, static_cast<int64_t>(now_ns() - base_ns));
        text += '}';
      }
      text += "\n]}\n";
      flush_text(true);
      file.close();
    } catch (const std::exception& error) {
      failure = error.what();
    }
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
  m.base_ns = now_ns();
  m.pid = getpid();
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
          impl_->device_rejected.load(std::memory_order_relaxed)};
}

}  // namespace molgen3d
