#include "server/engine_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace molgen3d {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kClockInterval = std::chrono::milliseconds(100);
// Between two looks at what watched samples have written: often enough to read along.
constexpr auto kProgressInterval = std::chrono::milliseconds(40);

}  // namespace

// First come, first served inside the engine: what is fair is decided here, sample by sample.
EngineThread::EngineThread(std::unique_ptr<Backend> backend, const ModelConfig& config,
                           std::function<void(const std::string&)> failed)
    : engine_(std::move(backend), config, EngineOptions{.window = 1}),
      slots_(engine_.backend().memory().slots),
      description_(engine_.backend().description()),
      failed_(std::move(failed)) {
  snapshot_.slots = slots_;
  thread_ = std::thread([this] { run(); });
}

void EngineThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (snapshot_.failure.empty()) snapshot_.failure = "it was stopped";
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EngineThread::attach(std::shared_ptr<Job> job) {
  std::string failure;
  {
    const std::lock_guard lock(mutex_);
    failure = snapshot_.failure;
    if (failure.empty()) {
      joining_.push_back(std::move(job));
      woken_ = true;
    }
  }
  if (failure.empty()) {
    changed_.notify_all();
  } else {
    job->engine_failed(failure);
  }
}

void EngineThread::detach(const Job* job) {
  {
    const std::lock_guard lock(mutex_);
    leaving_.push_back(job);
    woken_ = true;
  }
  changed_.notify_all();
}

void EngineThread::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

EngineThread::Snapshot EngineThread::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void EngineThread::remove(const Job* job) {
  const auto found =
      std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& each) { return each.get() == job; });
  if (found == jobs_.end()) return;
  const std::shared_ptr<Job> kept = std::move(*found);  // until its samples are gone
  jobs_.erase(found);
  std::vector<uint64_t> tags;
  for (const auto& [tag, submitted] : submitted_) {
    if (submitted.job == job) tags.push_back(tag);
  }
  for (const uint64_t tag : tags) {
    running_ -= submitted_.at(tag).left;
    if (submitted_.at(tag).watched) --watched_;
    submitted_.erase(tag);
    engine_.cancel_request(tag, [](Completion&&) {});
  }
}

void EngineThread::take_changes() {
  std::vector<std::shared_ptr<Job>> joining;
  std::vector<const Job*> leaving;
  {
    const std::lock_guard lock(mutex_);
    joining.swap(joining_);
    leaving.swap(leaving_);
    woken_ = false;
  }
  for (auto& job : joining) jobs_.push_back(std::move(job));
  for (const Job* job : leaving) remove(job);
}

void EngineThread::feed() {
  size_t without = 0;  // jobs in a row that had nothing
  while (running_ < slots_ && without < jobs_.size()) {
    turn_ %= jobs_.size();
    const std::shared_ptr<Job> job = jobs_[turn_++];
    const size_t room = slots_ - running_;
    const size_t share = std::max<size_t>(1, slots_ / jobs_.size());
    std::optional<Work> work = job->next(static_cast<uint32_t>(std::min(room, share)));
    if (!work || work->request.samples == 0) {
      ++without;
      continue;
    }
    without = 0;
    const uint64_t tag = next_tag_++;
    work->request.tag = tag;
    running_ += work->request.samples;
    submitted_[tag] = {job.get(), work->prompt, work->request.samples, work->watched};
    if (work->watched) ++watched_;
    engine_.submit(std::move(work->request));
  }
}

void EngineThread::step() {
  engine_.step([this](Completion&& completion) {
    const auto found = submitted_.find(completion.tag);
    if (found == submitted_.end()) return;  // its job has left
    const Submitted of = found->second;
    --running_;
    if (--found->second.left == 0) {
      if (of.watched) --watched_;
      submitted_.erase(found);
    }
    if (Job* const job = job_of(of)) job->completed(of.prompt, std::move(completion));
  });
}

EngineThread::Job* EngineThread::job_of(const Submitted& submitted) const {
  const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                  [&](const auto& each) { return each.get() == submitted.job; });
  return found == jobs_.end() ? nullptr : found->get();
}

void EngineThread::show_progress() {
  engine_.look([this](uint64_t tag, uint32_t sample, std::span<const TokenId> tokens) {
    const auto found = submitted_.find(tag);
    if (found == submitted_.end() || !found->second.watched || tokens.empty()) return;
    if (Job* const job = job_of(found->second))
      job->progressed(found->second.prompt, sample, tokens);
  });
}

void EngineThread::loop() {
  Clock::time_point looked = Clock::now();
  Clock::time_point showed = looked;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (running_ == 0) changed_.wait_for(lock, kClockInterval, [&] { return woken_ || ending_; });
      if (ending_) return;
    }
    take_changes();
    if (const Clock::time_point now = Clock::now(); now - looked >= kClockInterval) {
      looked = now;
      for (const auto& job : jobs_) job->look_at_clock();
      take_changes();
    }
    feed();
    if (running_ > 0) step();
    if (watched_ > 0 && Clock::now() - showed >= kProgressInterval) {
      showed = Clock::now();
      show_progress();
    }
    const std::lock_guard lock(mutex_);
    snapshot_.statistics = engine_.statistics();
    snapshot_.jobs = jobs_.size();
    snapshot_.samples_running = running_;
  }
}

void EngineThread::fail(const std::string& cause) {
  std::vector<std::shared_ptr<Job>> all = std::move(jobs_);
  {
    const std::lock_guard lock(mutex_);
    snapshot_.failure = cause;
    for (auto& job : joining_) all.push_back(std::move(job));
    joining_.clear();
    leaving_.clear();
  }
  for (const auto& job : all) job->engine_failed(cause);
  failed_(cause);
}

void EngineThread::run() {
  try {
    loop();
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

}  // namespace molgen3d
