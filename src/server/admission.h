// How many requests are accepted at once, and how long the refused ones should wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

namespace molgen3d {

/// Any thread may call.
class Admission : public std::enable_shared_from_this<Admission> {
 public:
  /// A place among the accepted requests, given back when it is destroyed.
  class Place {
   public:
    explicit Place(std::shared_ptr<Admission> of) : of_(std::move(of)) {}
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    ~Place();

   private:
    std::shared_ptr<Admission> of_;
  };

  explicit Admission(size_t most) : most_(most) {}

  /// Null when all places are taken.
  std::unique_ptr<Place> enter();
  size_t inside() const;
  /// Whole seconds, 1 to 60: until a place should be free, judged by those that were given back in
  /// the last minute.
  unsigned retry_after() const;

 private:
  using Clock = std::chrono::steady_clock;
  void leave();

  const size_t most_;
  mutable std::mutex mutex_;
  size_t inside_ = 0;
  std::deque<Clock::time_point> left_;  ///< the latest ones
};

}  // namespace molgen3d
