// One device of a run: a thread with an engine of its own, fed from a WorkQueue.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "generation/work_queue.h"

namespace molgen3d {

/// Makes the backend of one device; called in the thread that will use it and destroy it.
using BackendMaker = std::function<std::unique_ptr<Backend>()>;

/// A device as a run knows it.
struct DeviceReport {
  std::string name;         ///< cpu, cuda:1, ...
  std::string description;  ///< Backend::description()
  MemoryPlan memory{};
  std::string failure;  ///< why it is not used, or no longer; empty: it is
};

/// Starts at construction, ends at destruction. Once started() has returned the queue may be used.
class DeviceWorker {
 public:
  DeviceWorker(size_t number, std::string name, BackendMaker maker, const ModelConfig& config,
               const EngineOptions& options, WorkQueue& queue);
  /// Joins; WorkQueue::close() has to come first.
  ~DeviceWorker();
  DeviceWorker(const DeviceWorker&) = delete;
  DeviceWorker& operator=(const DeviceWorker&) = delete;

  /// Waits until the backend is there. What its maker threw, else null.
  std::exception_ptr started();
  DeviceReport& report() { return report_; }
  const DeviceReport& report() const { return report_; }
  /// Of what was finished; exact while the worker has nothing to do.
  EngineStatistics statistics() const;

 private:
  void work();
  void serve(Engine& engine);
  void submit(Engine& engine, const WorkPiece& piece);
  std::vector<WorkPiece> unfinished() const;

  size_t number_;
  BackendMaker maker_;
  ModelConfig config_;
  EngineOptions options_;
  WorkQueue& queue_;
  DeviceReport report_;
  std::promise<std::exception_ptr> start_;
  /// Samples that the engine has: (tag, sample) and what they are of.
  std::map<std::pair<uint64_t, uint32_t>, std::shared_ptr<const Request>> held_;
  mutable std::mutex statistics_mutex_;
  EngineStatistics statistics_;
  std::thread thread_;
};

}  // namespace molgen3d
