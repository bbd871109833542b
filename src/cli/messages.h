// Lines on standard error.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace molgen3d {

/// "molgen3d: line". Control characters, which may come from file names and records, are escaped.
void say(std::string_view line);

struct FailureLimits {
  size_t shown = 100;  ///< lines; further failures are counted; 0: all are shown
  size_t most = 0;     ///< failures after which a run stops; 0: it never does
};
/// --max-messages and --max-errors.
void add_failure_options(CLI::App& command, FailureLimits& limits);

/// One line per failure, as far as the limits allow, and a count of the others at the end.
class FailureLines {
 public:
  explicit FailureLines(const FailureLimits& limits,
                        std::function<void(const std::string&)> show = say)
      : limits_(limits), show_(std::move(show)) {}
  ~FailureLines() { finish(); }
  FailureLines(const FailureLines&) = delete;
  FailureLines& operator=(const FailureLines&) = delete;

  void add(const std::string& line);
  size_t count() const { return count_; }
  /// True when the run is to stop.
  bool too_many() const { return limits_.most != 0 && count_ >= limits_.most; }
  /// Says once how many were not shown; no line comes after that.
  void finish();

 private:
  FailureLimits limits_;
  std::function<void(const std::string&)> show_;
  size_t count_ = 0;
  bool finished_ = false;
};

}  // namespace molgen3d
