// Where the time of a backend goes: seconds per phase, and an optional receiver of spans.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/span_sink.h"

namespace molgen3d {

enum class Phase : uint8_t {
  kPrefill,  ///< layers of passes that hold prompt tokens
  kDecode,   ///< layers of all other passes
  kOutput,   ///< output matrix
  kSample,   ///< constraint steps, sampling, log-probabilities
};
inline constexpr size_t kPhases = 4;

struct PhaseClock {
  std::array<double, kPhases> seconds{};
  SpanSink* sink = nullptr;  ///< may be null; not owned

  double operator[](Phase phase) const { return seconds[static_cast<size_t>(phase)]; }
};

/// Charges its lifetime to one phase, and records it as a span of the run.
class PhaseTimer {
 public:
  PhaseTimer(PhaseClock& clock, Phase phase, RunPhase span)
      : clock_(clock),
        phase_(static_cast<size_t>(phase)),
        span_(span),
        begin_ns_(SpanSink::now_ns()) {}
  ~PhaseTimer() {
    const uint64_t end_ns = SpanSink::now_ns();
    clock_.seconds[phase_] += 1e-9 * static_cast<double>(end_ns - begin_ns_);
    if (clock_.sink != nullptr) {
      clock_.sink->add_span(static_cast<uint32_t>(span_), begin_ns_, end_ns, args_);
    }
  }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

  /// Numbers of the span that are known only at its end.
  void set_args(SpanArgs args) noexcept { args_ = args; }

 private:
  PhaseClock& clock_;
  size_t phase_;
  RunPhase span_;
  uint64_t begin_ns_;
  SpanArgs args_;
};

}  // namespace molgen3d
