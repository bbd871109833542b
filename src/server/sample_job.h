// One accepted request: prompts in, the texts of their samples out, in order.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "generation/prompt.h"
#include "server/admission.h"
#include "server/engine_thread.h"
#include "server/http_message.h"
#include "server/metrics.h"
#include "server/workers.h"

namespace molgen3d {

/// What jobs work with; outlives them.
struct JobResources {
  EngineThread& engine;
  Workers& workers;
  Metrics& metrics;
};

/// Prompts are prepared and samples are read by the workers, a bounded number ahead of what was
/// delivered: memory does not grow with the size of a request, nor with the slowness of its reader.
class SampleJob : public EngineThread::Job, public std::enable_shared_from_this<SampleJob> {
 public:
  /// A prompt on its way to the engine.
  struct Prepared {
    std::shared_ptr<const Prompt> prompt;  ///< null where the text is no molecule's
    Request request;                       ///< all but item, tag and samples
    std::string key;    ///< names the prompt in the noise, with the count of its repeats
    std::string cause;  ///< why there is nothing to run; empty when there is
  };
  /// A sample as it goes to the reader.
  struct Product {
    std::string text;
    std::string cause;  ///< why it is a failure; empty when it is none
    FinishReason reason = FinishReason::kEndOfSequence;
    uint32_t tokens = 0;  ///< generated
  };
  enum class End : uint8_t {
    kDone,
    kGone,     ///< the reader left
    kTimeout,  ///< ServerLimits::request_seconds
    kStopped,  ///< the server ends
    kBroken,   ///< the engine failed
  };

  SampleJob(JobResources& resources, std::shared_ptr<Responder> responder,
            std::unique_ptr<Admission::Place> place, size_t prompts, uint32_t samples,
            double seconds);

  /// Begins; call once, when it is owned by a shared_ptr.
  void start();
  /// Any thread; the first end counts.
  void end(End end);

  // EngineThread::Job
  std::optional<EngineThread::Work> next(uint32_t most) override;
  void completed(uint64_t prompt, Completion&& completion) override;
  void look_at_clock() override;
  void engine_failed(const std::string& cause) override;

 protected:
  /// From any worker, several at once. What it throws is the cause.
  virtual Prepared prepare(size_t prompt) = 0;
  virtual Product read(const Prepared& prepared, size_t prompt, uint32_t sample,
                       Completion&& completion) = 0;
  /// In order, one at a time; must not wait.
  virtual void deliver(const Prepared& prepared, size_t prompt, uint32_t sample,
                       Product&& product) = 0;
  /// Last, once. `cause` with kBroken.
  virtual void finish(End end, const std::string& cause) = 0;

  /// Its progress is wanted (EngineThread::Job::progressed()).
  virtual bool watched() const { return false; }
  /// Why there is no answer: with every End but kDone and kGone.
  static HttpAnswer end_answer(End end, const std::string& cause);

  Responder& responder() { return *responder_; }
  size_t prompts() const { return prompts_; }
  uint32_t samples() const { return samples_; }
  JobResources& resources() { return resources_; }

 private:
  struct Open {
    std::shared_ptr<const Prepared> prepared;
    std::vector<std::optional<Product>> products;
    uint32_t started = 0;
  };

  void prepare_ahead();
  void prepare_one(size_t prompt);
  void release_prepared();
  void read_one(std::shared_ptr<const Prepared> prepared, size_t prompt, uint32_t sample,
                Completion&& completion);
  void take(size_t prompt, uint32_t sample, Product&& product);
  void close(End end, const std::string& cause);

  JobResources& resources_;
  const std::shared_ptr<Responder> responder_;
  std::unique_ptr<Admission::Place> place_;
  const size_t prompts_;
  const uint32_t samples_;
  const size_t ahead_;  ///< prompts that may be prepared and not delivered
  const std::chrono::steady_clock::time_point deadline_;

  std::mutex mutex_;
  bool ended_ = false;
  PromptKeys keys_;
  size_t preparing_ = 0;  ///< the next prompt that no worker has begun
  size_t released_ = 0;   ///< the next one that the engine has not seen
  std::map<size_t, std::shared_ptr<Prepared>> prepared_;  ///< done, out of order
  std::map<size_t, Open> open_;                           ///< released and not delivered
  std::deque<size_t> ready_;                              ///< released, with samples to start
  size_t delivered_prompts_ = 0;
  uint32_t delivered_samples_ = 0;  ///< of the first open prompt
  size_t unread_ = 0;               ///< samples started or read, and not delivered
};

}  // namespace molgen3d
