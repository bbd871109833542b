// Where the time of a run goes: named intervals, handed to whoever records them (src/trace). A room
// that does work takes a SpanSink*; null means that nobody asks and costs one test.
#pragma once

#include <time.h>

#include <cstdint>
#include <string_view>

namespace molgen3d {

/// The named phases of a run. They nest (kSample inside kDecodeStep); together they cover the wall
/// time of a command. Values are also span name ids, see TraceRecorder::intern().
enum class RunPhase : uint32_t {
  kRun = 0,      ///< a whole command
  kLoad,         ///< model, tokenizer and input files
  kWarmUp,       ///< first launches, graph capture
  kRead,         ///< input records to molecules
  kTokenize,     ///< text to ids
  kTemplate,     ///< template to token automaton
  kSchedule,     ///< admitting and retiring requests
  kPrefill,      ///< a pass that holds prompt tokens
  kDecodeStep,   ///< any other pass, for all sequences that run
  kDecodeChain,  ///< decode steps that a device does on its own
  kForcedRun,    ///< tokens with one legal choice, appended without a decision
  kForward,      ///< layers of the model, inside a prefill or a decode step
  kOutput,       ///< output matrix
  kSample,       ///< constraint, temperature, top-k, top-p, draw
  kDetokenize,   ///< ids to text
  kValidate,     ///< text against template, coordinates, stereo
  kWrite,        ///< results to disk
  kReport,       ///< tables of the finished run
  kWait,         ///< the host waits for a device
  kRelease,      ///< memory of model and engine given back
};
inline constexpr uint32_t kRunPhases = 20;

/// "decode step", "forced run", ...: the name in the trace.
constexpr std::string_view run_phase_name(RunPhase phase) {
  constexpr std::string_view kNames[kRunPhases] = {
      "run",        "load",        "warm-up",      "read",       "tokenize", "template", "schedule",
      "prefill",    "decode step", "decode chain", "forced run", "forward",  "output",   "sample",
      "detokenize", "validate",    "write",        "report",     "wait",     "release"};
  const auto index = static_cast<uint32_t>(phase);
  return index < kRunPhases ? kNames[index] : "?";
}

/// Optional numbers of a span, written as its `args`. Negative means absent.
struct SpanArgs {
  int32_t step = -1;    ///< index of the step or record
  int32_t rows = -1;    ///< sequences in the batch
  int32_t tokens = -1;  ///< tokens made by this span; `trace compare` divides by their sum
};

/// Receives spans as they end. Thread-safe. Spans of one thread nest or follow each other.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  /// `name`: a RunPhase, or an id that the sink has given out. Times of now_ns().
  virtual void add_span(uint32_t name, uint64_t begin_ns, uint64_t end_ns,
                        SpanArgs args = {}) noexcept = 0;

  /// The clock of all spans: CLOCK_MONOTONIC in ns (that of std::chrono::steady_clock).
  static uint64_t now_ns() noexcept {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000000U + static_cast<uint64_t>(t.tv_nsec);
  }
};

/// What the calling thread is adding to a CUDA graph ("attention" of layer 3), so that a recorder
/// can say it of the graph's kernels, which run much later. Null: nothing worth a name.
struct GraphOperation {
  const char* name = nullptr;  ///< must stay valid
  int32_t layer = -1;          ///< -1: outside the layers
};
inline thread_local GraphOperation graph_operation;

/// A span from construction to destruction (or end()). With a null sink: nothing happens.
class ScopedSpan {
 public:
  ScopedSpan(SpanSink* sink, RunPhase phase, SpanArgs args = {}) noexcept
      : ScopedSpan(sink, static_cast<uint32_t>(phase), args) {}
  ScopedSpan(SpanSink* sink, uint32_t name, SpanArgs args = {}) noexcept
      : sink_(sink), name_(name), args_(args) {
    if (sink_ != nullptr) begin_ns_ = SpanSink::now_ns();
  }
  ~ScopedSpan() { end(); }
  ScopedSpan(const ScopedSpan&) = delete;
  ScopedSpan& operator=(const ScopedSpan&) = delete;

  /// Numbers that are known only at the end of the span.
  void set_args(SpanArgs args) noexcept { args_ = args; }
  /// A name that is known only at the end of the span.
  void set_phase(RunPhase phase) noexcept { name_ = static_cast<uint32_t>(phase); }
  /// Nothing will be recorded: the span turned out to be empty.
  void drop() noexcept { sink_ = nullptr; }

  void end() noexcept {
    if (sink_ == nullptr) return;
    sink_->add_span(name_, begin_ns_, SpanSink::now_ns(), args_);
    sink_ = nullptr;
  }

 private:
  SpanSink* sink_;
  uint32_t name_;
  SpanArgs args_;
  uint64_t begin_ns_ = 0;
};

}  // namespace molgen3d
