// Progress of long work: a bar on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace molgen3d {

/// Prints to standard error: `done/total unit`, rate and time left. On a terminal one line is
/// redrawn at most five times a second; elsewhere a line is printed every ten seconds, and none for
/// short work.
class Progress {
 public:
  /// `total` 0: unknown.
  Progress(size_t total, std::string unit, bool quiet);
  ~Progress();
  void update(size_t done, const std::string& detail = "");
  /// Erases the bar so that another line can be printed cleanly.
  void clear();

 private:
  size_t total_;
  std::string unit_;
  bool quiet_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace molgen3d
