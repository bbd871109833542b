// Records where the time of our own runs goes and writes it as a Chrome trace (JSON or JSON.gz)
// that Perfetto, chrome://tracing and `molgen3d trace` open.
//
// A span costs two clock reads and one 32-byte store into a ring that belongs to the calling
// thread: no lock, no string, no allocation. One background thread empties the rings into the file,
// so memory stays bounded for a run of any length. A null recorder makes every call a no-op:
//
//   ScopedSpan span(recorder, RunPhase::kDecodeStep, {.step = s, .rows = n});
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/span_sink.h"

namespace molgen3d {

/// What a device or driver record is; decides its category, so that the reports know it.
enum class DeviceSpanKind : uint8_t {
  kKernel,   ///< "kernel"
  kCopy,     ///< "gpu_memcpy"
  kFill,     ///< "gpu_memset"
  kGraph,    ///< "gpu_graph": one CUDA-graph launch as a whole
  kRuntime,  ///< "cuda_runtime": a call on the host; `lane` is then the calling thread's id
  kSync,     ///< "cuda_sync"
};

inline constexpr uint32_t kNoName = 0xffffffffU;

/// One interval measured by a device (CUPTI record). Times in ns of TraceRecorder::now_ns().
struct DeviceSpan {
  DeviceSpanKind kind = DeviceSpanKind::kKernel;
  int device = 0;                ///< CUDA device ordinal
  uint32_t lane = 0;             ///< stream id (or thread id for kRuntime)
  uint32_t name = 0;             ///< of intern(); kernels: demangled
  uint64_t begin_ns = 0;         ///< records with begin_ns == 0 or end_ns < begin_ns are rejected
  uint64_t end_ns = 0;           ///<
  uint64_t correlation = 0;      ///< joins launch and device work, 0 = none; kept below 2^53
  int64_t bytes = -1;            ///< copies and fills; -1 = absent
  int64_t graph_node = -1;       ///< CUPTI graphNodeId; -1 = absent
  uint32_t operation = kNoName;  ///< of intern(): what the engine was doing when it captured it
  int32_t layer = -1;            ///< of the model; -1 = absent
};

struct TraceRecorderOptions {
  std::string path;  ///< ends in .gz: compressed
  std::string process_name = "molgen3d";
  size_t ring_records = 1 << 15;  ///< per thread, 32 bytes each; rounded up to a power of two
  size_t device_records =
      1 << 20;  ///< device spans waiting to be written; more are dropped, counted
  /// Written as top-level string values of the file (command line, versions, seed, ...).
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

struct TraceRecorderCounts {
  uint64_t written = 0;          ///< events in the file (metadata events apart)
  uint64_t dropped = 0;          ///< a ring or the device queue was full
  uint64_t rejected_device = 0;  ///< device records with impossible times
  double cpu_seconds = 0;        ///< of the writing thread; known after close()
};

class TraceRecorder : public SpanSink {
 public:
  /// Creates the file and starts the writing thread. Throws Error when the file cannot be made.
  explicit TraceRecorder(TraceRecorderOptions options);
  ~TraceRecorder() override;
  TraceRecorder(const TraceRecorder&) = delete;
  TraceRecorder& operator=(const TraceRecorder&) = delete;

  /// Id for spans beyond the phases; set-up time only (takes a lock). The same name gives the same
  /// id.
  uint32_t intern(std::string_view name);

  /// Adds a closed span of the calling thread. The first span of a thread allocates its ring; after
  /// that no lock, no allocation, no exception.
  void add_span(uint32_t name, uint64_t begin_ns, uint64_t end_ns,
                SpanArgs args = {}) noexcept override;

  /// Adds a sample of a counter ("rows", "free pages") at now_ns().
  void add_counter(uint32_t name, int64_t value) noexcept;

  /// Adds device work; any thread, takes one short lock. Spans that overlap on one stream get a
  /// lane of their own ("stream 7 #2"), because no viewer shows overlaps on one row: give them in
  /// the order of their beginnings.
  void add_device_spans(std::span<const DeviceSpan> spans);

  /// Name of the calling thread's row ("decode", "worker 3").
  void name_thread(std::string_view name);

  /// Writes what is left and closes the file with `]}`. Idempotent; the destructor calls it.
  /// Throws Error when the disk failed at any time since the start.
  void close();

  /// For signal handlers (async-signal-safe): has the writing thread finish and close the file and
  /// waits for that, at most `timeout_ms`. True when the file is complete.
  bool close_from_signal(int timeout_ms = 2000) noexcept;

  TraceRecorderCounts counts() const noexcept;

 private:
  struct Impl;
  struct Ring;
  Ring* ring_of_thread() noexcept;

  std::unique_ptr<Impl> impl_;
  uint64_t unique_id_ = 0;
};

}  // namespace molgen3d
