// What the server counts, as Prometheus reads it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "server/engine_thread.h"

namespace molgen3d {

/// Any thread may call.
class Metrics {
 public:
  /// An answer was sent to the end, or broken off.
  void request(const std::string& path, unsigned status, double seconds);
  void sample(bool ok) { ++(ok ? samples_ok_ : samples_failed_); }
  void connection(int change) { connections_ += change; }

  /// Text exposition format 0.0.4.
  std::string text(const EngineThread::Snapshot& engine, size_t accepted,
                   const std::string& model) const;

 private:
  static constexpr std::array<double, 12> kBuckets = {0.01, 0.03, 0.1, 0.3, 1,   3,
                                                      10,   30,   60,  120, 300, 600};
  struct Latency {
    std::array<uint64_t, kBuckets.size()> below{};  ///< each bucket alone; summed when printed
    uint64_t count = 0;
    double seconds = 0;
  };

  std::atomic<uint64_t> samples_ok_{0}, samples_failed_{0};
  std::atomic<int64_t> connections_{0};
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, unsigned>, uint64_t> requests_;
  std::map<std::string, Latency> latencies_;
};

}  // namespace molgen3d
