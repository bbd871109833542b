// Jobs that join a running engine: shares, departures, failures.
#include "server/engine_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>

#include "engine/tiny_model.h"
#include "testing/reference_backend.h"

namespace molgen3d::test {
namespace {

class CountingJob : public EngineThread::Job {
 public:
  CountingJob(uint64_t item, uint32_t samples) : item_(item), samples_(samples) {}

  std::optional<EngineThread::Work> next(uint32_t most) override {
    EXPECT_GE(most, 1U);
    const uint32_t begun = begun_;
    if (begun == samples_) return std::nullopt;
    EngineThread::Work work;
    work.prompt = item_;
    work.request.item = item_;
    work.request.prompt = random_prompt(item_, 5, 131);
    work.request.constraint = std::make_shared<TinyTemplate>(4, 3);
    work.request.first_sample = begun;
    work.request.samples = std::min(most, samples_ - begun);
    begun_ = begun + work.request.samples;
    return work;
  }
  void completed(uint64_t prompt, Completion&& completion) override {
    EXPECT_EQ(prompt, item_);
    EXPECT_EQ(completion.reason, FinishReason::kEndOfSequence);
    if (++finished_ == samples_) all_.set_value();
  }
  void look_at_clock() override {}
  void engine_failed(const std::string& cause) override {
    cause_ = cause;
    failed_.set_value();
  }

  const uint64_t item_;
  const uint32_t samples_;
  std::atomic<uint32_t> begun_{0}, finished_{0};
  std::promise<void> all_, failed_;
  std::string cause_;
};

constexpr auto kPatience = std::chrono::seconds(120);

bool comes(std::promise<void>& promise) {
  return promise.get_future().wait_for(kPatience) == std::future_status::ready;
}

/// Works like the backend that it wraps until it is told to break.
class BreakableBackend : public Backend {
 public:
  BreakableBackend(std::unique_ptr<Backend> inner, const std::atomic<bool>& broken)
      : inner_(std::move(inner)), broken_(broken) {}
  std::string description() const override { return inner_->description(); }
  const MemoryPlan& memory() const override { return inner_->memory(); }
  void start(const SequenceStart& sequence) override { inner_->start(sequence); }
  void run(std::vector<SlotProgress>& finished, size_t* tokens) override {
    if (broken_) throw std::runtime_error("the device fell off the bus");
    inner_->run(finished, tokens);
  }
  void cancel(uint32_t slot) override { inner_->cancel(slot); }

 private:
  std::unique_ptr<Backend> inner_;
  const std::atomic<bool>& broken_;
};

class EngineThreadTest : public testing::Test {
 protected:
  EngineThreadTest()
      : engine_(std::make_unique<BreakableBackend>(
                    make_reference_backend(model_, {.slots = 4, .kv_tokens = 2048}), broken_),
                model_->config(), [this](const std::string& cause) { reported_ = cause; }) {}

  std::shared_ptr<const Checkpoint> model_ = tiny_model();
  std::atomic<bool> broken_{false};
  std::string reported_;
  EngineThread engine_;
};

TEST_F(EngineThreadTest, ASmallJobDoesNotWaitForALargeOne) {
  const auto large = std::make_shared<CountingJob>(1, 100000);
  const auto small = std::make_shared<CountingJob>(2, 3);
  engine_.attach(large);
  while (large->finished_ == 0) std::this_thread::yield();
  engine_.attach(small);
  ASSERT_TRUE(comes(small->all_));
  EXPECT_LT(large->finished_, large->samples_ / 10);
  engine_.detach(large.get());
  const auto last = std::make_shared<CountingJob>(3, 1);
  engine_.attach(last);
  ASSERT_TRUE(comes(last->all_));
  const uint32_t finished = large->finished_;
  engine_.stop();
  EXPECT_EQ(large->finished_, finished);  // nothing comes for who has left
}

TEST_F(EngineThreadTest, EverySampleComesOnce) {
  std::vector<std::shared_ptr<CountingJob>> jobs;
  for (uint64_t item = 1; item <= 12; ++item)
    jobs.push_back(std::make_shared<CountingJob>(item, static_cast<uint32_t>(item)));
  for (const auto& job : jobs) engine_.attach(job);
  for (const auto& job : jobs) EXPECT_TRUE(comes(job->all_));
  engine_.stop();
  for (const auto& job : jobs) EXPECT_EQ(job->finished_, job->samples_);
}

TEST_F(EngineThreadTest, ABrokenEngineIsToldToEverybody) {
  const auto job = std::make_shared<CountingJob>(1, 100000);
  engine_.attach(job);
  broken_ = true;
  ASSERT_TRUE(comes(job->failed_));
  EXPECT_EQ(job->cause_, "the device fell off the bus");
  const auto late = std::make_shared<CountingJob>(2, 1);
  while (engine_.snapshot().failure.empty()) std::this_thread::yield();
  engine_.attach(late);
  ASSERT_TRUE(comes(late->failed_));
  engine_.stop();
  EXPECT_EQ(reported_, "the device fell off the bus");
}

}  // namespace
}  // namespace molgen3d::test
