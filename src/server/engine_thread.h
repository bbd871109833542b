// The engine and the one thread that steps it. Jobs join and leave while it runs.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"

namespace molgen3d {

/// Every job gets an equal share of the sequences that run at once, as far as it has work: a
/// request for one molecule does not wait behind one for thousands.
class EngineThread {
 public:
  /// What is submitted at once: samples of one prompt. `sampling` and `seed` of the request are
  /// set; its tag is the thread's own.
  struct Work {
    Request request;
    uint64_t prompt = 0;   ///< handed back with every sample
    bool watched = false;  ///< progressed() is wanted
  };

  /// Its functions are called from the engine's thread and must be quick.
  class Job {
   public:
    virtual ~Job() = default;
    /// At most `most` samples to start now, or nothing: then it is asked again after wake().
    virtual std::optional<Work> next(uint32_t most) = 0;
    /// Now and then, while a watched sample runs: all that it has written so far.
    virtual void progressed(uint64_t /*prompt*/, uint32_t /*sample*/,
                            std::span<const TokenId> /*tokens*/) {}
    virtual void completed(uint64_t prompt, Completion&& completion) = 0;
    /// Asked now and then, so that a job can give up in time.
    virtual void look_at_clock() = 0;
    /// The engine broke down; `cause` is one line. The job has been taken out.
    virtual void engine_failed(const std::string& cause) = 0;
  };

  struct Snapshot {
    EngineStatistics statistics;
    size_t jobs = 0;
    size_t samples_running = 0;  ///< submitted and not finished
    uint32_t slots = 0;
    std::string failure;  ///< why nothing runs any more; empty: all is well
  };

  /// Takes the backend of `config`'s model. `failed` is called once if it breaks down.
  EngineThread(std::unique_ptr<Backend> backend, const ModelConfig& config,
               std::function<void(const std::string&)> failed);
  ~EngineThread() { stop(); }
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  /// Cancels what runs and ends the thread; a job that is attached later fails at once.
  void stop();

  // Any thread.
  void attach(std::shared_ptr<Job> job);
  /// Cancels its samples, whose completions never come. Nothing is called any more soon after.
  void detach(const Job* job);
  /// A job has work again.
  void wake();
  Snapshot snapshot() const;
  uint32_t slots() const { return slots_; }
  const std::string& description() const { return description_; }

 private:
  struct Submitted {
    const Job* job = nullptr;
    uint64_t prompt = 0;
    uint32_t left = 0;  ///< samples
    bool watched = false;
  };

  void run();
  void loop();
  void take_changes();
  void remove(const Job* job);
  void feed();
  void step();
  void show_progress();
  Job* job_of(const Submitted& submitted) const;
  void fail(const std::string& cause);

  Engine engine_;
  const uint32_t slots_;
  const std::string description_;
  std::function<void(const std::string&)> failed_;

  // Of the thread alone.
  std::vector<std::shared_ptr<Job>> jobs_;
  size_t turn_ = 0;                          ///< whose turn it is
  std::map<uint64_t, Submitted> submitted_;  ///< by tag
  uint64_t next_tag_ = 1;
  size_t running_ = 0;
  size_t watched_ = 0;  ///< entries of submitted_

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false, ending_ = false;
  std::vector<std::shared_ptr<Job>> joining_;
  std::vector<const Job*> leaving_;
  Snapshot snapshot_;

  std::thread thread_;  // last: it starts when everything else is there
};

}  // namespace molgen3d
