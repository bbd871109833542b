// Records where the time of our own runs goes and writes it as a Chrome trace (JSON or JSON.gz)
// that Perfetto, chrome://tracing and `molgen3d trace` open.
//
// A span costs two clock reads and one 32-byte store into a ring that belongs to the calling
// thread: no lock, no string, no allocation. One background thread empties the rings into the file,
// so memory stays bounded for a run of any length. A null recorder makes every call a no-op:
//
//   ScopedSpan span(recorder, Phase::kDecodeStep, {.step = s, .rows = n});
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace molgen3d {

/// The named phases of a run. They nest (kSample inside kDecodeStep); together they are meant to
/// cover the wall time of a run. Values are also span name ids, see TraceRecorder::intern().
enum class Phase : uint32_t {
  kRun = 0,     ///< a whole command
  kLoad,        ///< model, tokenizer and input files
  kWarmUp,      ///< first launches, graph capture
  kTokenize,    ///< text to ids
  kTemplate,    ///< SMILES to template to token automaton
  kSchedule,    ///< admitting and retiring requests
  kPrefill,     ///< prompt through the model
  kDecodeStep,  ///< one pass through the model for all rows that run
  kForcedRun,   ///< tokens with one legal choice, appended without a decision
  kForward,     ///< the model itself inside a prefill or a decode step
  kSample,      ///< mask, temperature, top-k, top-p, draw
  kDetokenize,  ///< ids to text
  kValidate,    ///< decode, graph and stereo checks
  kWrite,       ///< results to disk
  kWait,        ///< the host waits for a device
};
inline constexpr uint32_t kPhaseCount = 15;

/// "decode step", "forced run", ...: the name in the trace.
std::string_view phase_name(Phase phase);

/// Optional numbers of a span, written as its `args`. Negative means absent.
struct SpanArgs {
  int32_t step = -1;    ///< index of the step or record
  int32_t rows = -1;    ///< sequences in the batch
  int32_t tokens = -1;  ///< tokens handled by this span; `trace compare` normalises by their sum
};

/// What a device or driver record is; decides its category, so that the reports know it.
enum class DeviceSpanKind : uint8_t {
  kKernel,   ///< "kernel"
  kCopy,     ///< "gpu_memcpy"
  kFill,     ///< "gpu_memset"
  kGraph,    ///< "gpu_graph": one CUDA-graph launch as a whole
  kRuntime,  ///< "cuda_runtime": a call on the host; `lane` is then the calling thread's id
  kSync,     ///< "cuda_sync"
};

/// One interval measured by a device (CUPTI record). Times in ns of TraceRecorder::now_ns().
struct DeviceSpan {
  DeviceSpanKind kind = DeviceSpanKind::kKernel;
  int device = 0;            ///< CUDA device ordinal
  uint32_t lane = 0;         ///< stream id (or thread id for kRuntime)
  std::string_view name;     ///< copied (interned); kernels: demangled
  uint64_t begin_ns = 0;     ///< records with begin_ns == 0 or end_ns < begin_ns are rejected
  uint64_t end_ns = 0;       ///<
  uint64_t correlation = 0;  ///< joins launch and device work, 0 = none; kept below 2^53
  int64_t bytes = -1;        ///< copies and fills; -1 = absent
  int64_t graph_node = -1;   ///< CUPTI graphNodeId; -1 = absent
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
};

class TraceRecorder {
 public:
  /// Creates the file and starts the writing thread. Throws Error when the file cannot be made.
  explicit TraceRecorder(TraceRecorderOptions options);
  ~TraceRecorder();
  TraceRecorder(const TraceRecorder&) = delete;
  TraceRecorder& operator=(const TraceRecorder&) = delete;

  /// The clock of all times here: CLOCK_MONOTONIC in ns.
  static uint64_t now_ns() noexcept;

  /// Id for spans beyond the phases; set-up time only (takes a lock). The same name gives the same
  /// id.
  uint32_t intern(std::string_view name);

  /// Adds a closed span of the calling thread. Spans of one thread must nest or follow each other
  /// (ScopedSpan sees to it). The first span of a thread allocates its ring; after that no lock, no
  /// allocation, no exception.
  void add_span(uint32_t name, uint64_t begin_ns, uint64_t end_ns, SpanArgs args = {}) noexcept;

  /// Adds a sample of a counter ("rows", "free pages") at now_ns().
  void add_counter(uint32_t name, int64_t value) noexcept;

  /// Adds device work; any thread, takes a short lock. Spans that overlap on one stream get a lane
  /// of their own ("stream 7 #2"), because no viewer shows overlaps on one row.
  void add_device_span(const DeviceSpan& span);
  void add_device_span(int device, uint32_t stream, std::string_view name, uint64_t begin_ns,
                       uint64_t end_ns, uint64_t correlation) {
    add_device_span({.device = device,
                     .lane = stream,
                     .name = name,
                     .begin_ns = begin_ns,
                     .end_ns = end_ns,
                     .correlation = correlation});
  }

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

/// A span from construction to destruction (or end()). With a null recorder: nothing happens.
class ScopedSpan {
 public:
  ScopedSpan(TraceRecorder* recorder, Phase phase, SpanArgs args = {}) noexcept
      : ScopedSpan(recorder, static_cast<uint32_t>(phase), args) {}
  ScopedSpan(TraceRecorder* recorder, uint32_t name, SpanArgs args = {}) noexcept
      : recorder_(recorder), name_(name), args_(args) {
    if (recorder_) begin_ns_ = TraceRecorder::now_ns();
  }
  ~ScopedSpan() { end(); }
  ScopedSpan(const ScopedSpan&) = delete;
  ScopedSpan& operator=(const ScopedSpan&) = delete;

  /// Numbers that are known only at the end of the span.
  void set_args(SpanArgs args) noexcept { args_ = args; }

  void end() noexcept {
    if (!recorder_) return;
    recorder_->add_span(name_, begin_ns_, TraceRecorder::now_ns(), args_);
    recorder_ = nullptr;
  }

 private:
  TraceRecorder* recorder_;
  uint32_t name_;
  SpanArgs args_;
  uint64_t begin_ns_ = 0;
};

}  // namespace molgen3d
