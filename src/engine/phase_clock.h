// Where the time of a backend goes: seconds per named phase, and an optional receiver of spans.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace molgen3d {

enum class Phase : uint8_t {
  kPrefill,  ///< layers of passes that hold prompt tokens
  kDecode,   ///< layers of all other passes
  kOutput,   ///< output matrix
  kSample,   ///< constraint steps, sampling, log-probabilities
};
inline constexpr size_t kPhases = 4;
inline constexpr std::array<const char*, kPhases> kPhaseNames = {"prefill", "decode", "output",
                                                                 "sample"};

/// Receives the phases as they end, e.g. to write a trace. Times of std::chrono::steady_clock.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  virtual void span(const char* name, std::chrono::steady_clock::time_point begin,
                    std::chrono::steady_clock::time_point end) = 0;
};

struct PhaseClock {
  std::array<double, kPhases> seconds{};
  SpanSink* sink = nullptr;  ///< may be null; not owned

  double operator[](Phase phase) const { return seconds[static_cast<size_t>(phase)]; }
};

/// Charges its lifetime to one phase.
class PhaseTimer {
 public:
  PhaseTimer(PhaseClock& clock, Phase phase)
      : clock_(clock),
        phase_(static_cast<size_t>(phase)),
        begin_(std::chrono::steady_clock::now()) {}
  ~PhaseTimer() {
    const auto end = std::chrono::steady_clock::now();
    clock_.seconds[phase_] += std::chrono::duration<double>(end - begin_).count();
    if (clock_.sink != nullptr) clock_.sink->span(kPhaseNames[phase_], begin_, end);
  }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

 private:
  PhaseClock& clock_;
  size_t phase_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace molgen3d
