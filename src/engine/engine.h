// Continuous batching over one backend: requests in, completions out, in any order.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "checkpoint/model_config.h"
#include "engine/backend.h"
#include "engine/key_value_pages.h"

namespace molgen3d {

struct EngineOptions {
  uint64_t seed = 0;
  SamplingParams sampling{};
  bool share_prompt = true;  ///< samples of a request share its whole prompt pages
  /// Requests looked at when choosing the longest. A request is admitted before any that was
  /// submitted a whole window later, so no answer waits for the end of a long stream.
  size_t window = 1024;
};

struct EngineStatistics {
  uint64_t prompt_tokens = 0;  ///< computed; prompt pages shared between samples count once
  uint64_t sampled_tokens = 0, forced_tokens = 0;
  uint64_t completions = 0, failures = 0;
  uint64_t steps = 0;            ///< calls of Backend::run
  uint64_t sequence_passes = 0;  ///< Completion::passes, summed
  uint32_t most_sequences = 0;   ///< running at once
  PhaseClock phases;
};

/// Not thread-safe, but for cancel().
class Engine {
 public:
  /// Throws Error for sampling parameters out of range.
  Engine(std::unique_ptr<Backend> backend, const ModelConfig& config, const EngineOptions& options);
  ~Engine();

  using Done = std::function<void(Completion&&)>;
  using Next = std::function<std::optional<Request>()>;

  /// Queues a request. One that can never run (prompt and bound beyond the context or the cache, an
  /// empty prompt, an id outside the vocabulary) gives failed completions, with the cause, from the
  /// next step().
  void submit(Request request);
  /// Admits what fits and advances the running sequences once. False when nothing was left to do.
  bool step(const Done& done);
  /// Pulls requests as room appears, until `next` has none left and all are done. Holds at most two
  /// windows of requests, so the stream may be endless.
  void run(const Next& next, const Done& done);
  /// Finishes the samples of `tag` that were not finished, running or waiting, as kCancelled.
  void cancel_request(uint64_t tag, const Done& done);
  /// Every running sample with what it has written so far (Backend::written()).
  using See = std::function<void(uint64_t tag, uint32_t sample, std::span<const TokenId> tokens)>;
  void look(const See& see) const;
  /// From now on step() finishes everything submitted as kCancelled and run() pulls no more. For
  /// good. May be called from another thread or a signal handler.
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }

  const Backend& backend() const { return *backend_; }
  EngineStatistics statistics() const;

 private:
  struct Waiting;
  struct Later {
    bool operator()(const std::unique_ptr<Waiting>& a, const std::unique_ptr<Waiting>& b) const;
  };
  struct Running {
    uint64_t tag = 0;
    uint32_t sample = 0;
    std::vector<uint32_t> pages;
    bool active = false;
  };

  /// Tokens the answer may have; or the cause why there can be none.
  uint32_t length_bound(const Request& request, std::string& cause) const;
  void admit();
  bool start_sample(Waiting& waiting);
  void cancel_running(uint32_t slot, const Done& done);
  void cancel_waiting(const Waiting& waiting, const Done& done);
  void finish(Completion&& completion, const Done& done);
  void cancel_all(const Done& done);

  std::unique_ptr<Backend> backend_;
  ModelConfig config_;
  EngineOptions options_;
  SpanSink* spans_;  ///< the backend's; may be null
  KeyValuePages pages_;
  std::vector<Running> running_;
  std::vector<uint32_t> free_slots_;
  std::set<std::unique_ptr<Waiting>, Later> waiting_;
  std::unique_ptr<Waiting> starting_;  ///< the request whose samples are being started
  std::deque<Completion> rejected_;
  uint64_t submitted_ = 0;
  std::atomic<bool> cancelled_{false};
  EngineStatistics statistics_;
  std::vector<SlotProgress> finished_;
};

}  // namespace molgen3d
