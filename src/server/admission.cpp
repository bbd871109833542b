#include "server/admission.h"

#include <algorithm>

namespace molgen3d {

namespace {

constexpr size_t kRemembered = 64;
constexpr double kLongestWait = 60;

}  // namespace

Admission::Place::~Place() {
  if (of_) of_->leave();
}

std::unique_ptr<Admission::Place> Admission::enter() {
  const std::lock_guard lock(mutex_);
  if (inside_ >= most_) return nullptr;
  ++inside_;
  return std::make_unique<Place>(shared_from_this());
}

size_t Admission::inside() const {
  const std::lock_guard lock(mutex_);
  return inside_;
}

void Admission::leave() {
  const std::lock_guard lock(mutex_);
  --inside_;
  left_.push_back(Clock::now());
  if (left_.size() > kRemembered) left_.pop_front();
}

unsigned Admission::retry_after() const {
  const std::lock_guard lock(mutex_);
  if (left_.empty()) return 5;
  const double age = std::chrono::duration<double>(Clock::now() - left_.front()).count();
  // Long enough that most of those who come back find a place.
  const double each = std::max(age, 0.1) / static_cast<double>(left_.size());
  const double wait = each * static_cast<double>(most_) / 2;
  return static_cast<unsigned>(std::clamp(wait, 1.0, kLongestWait));
}

}  // namespace molgen3d
