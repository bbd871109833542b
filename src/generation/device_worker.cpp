#include "generation/device_worker.h"

#include <optional>

namespace molgen3d {

DeviceWorker::DeviceWorker(size_t number, std::string name, BackendMaker maker,
                           const ModelConfig& config, const EngineOptions& options,
                           WorkQueue& queue)
    : number_(number), maker_(std::move(maker)), config_(config), options_(options), queue_(queue) {
  report_.name = std::move(name);
  thread_ = std::thread([this] { work(); });
}

DeviceWorker::~DeviceWorker() {
  thread_.join();
}

std::exception_ptr DeviceWorker::started() {
  return start_.get_future().get();
}

EngineStatistics DeviceWorker::statistics() const {
  const std::lock_guard lock(statistics_mutex_);
  return statistics_;
}

void DeviceWorker::work() {
  // The engine lives and dies in this thread: a device is current in a thread, not in a process.
  std::optional<Engine> engine;
  try {
    engine.emplace(maker_(), config_, options_);
    const Backend& backend = engine->backend();
    report_.description = backend.description();
    report_.memory = backend.memory();
    statistics_ = engine->statistics();
    queue_.join(number_, {report_.memory.slots, report_.memory.pages * kPageTokens});
  } catch (...) {
    queue_.fail(number_, {}, std::current_exception());
    start_.set_value(std::current_exception());
    return;
  }
  maker_ = nullptr;
  start_.set_value(nullptr);
  try {
    serve(*engine);
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    // Before anybody else begins with its work: a device that is out of memory has it back.
    engine.reset();
    queue_.fail(number_, unfinished(), error);
  }
}

void DeviceWorker::serve(Engine& engine) {
  const auto done = [&](Completion&& completion) {
    held_.erase({completion.tag, completion.sample});
    {
      const std::lock_guard lock(statistics_mutex_);
      statistics_ = engine.statistics();
    }
    queue_.finish(number_, std::move(completion));
  };
  for (;;) {
    auto piece = queue_.pull(number_, held_.empty());
    if (queue_.closed()) return;
    for (; piece; piece = queue_.pull(number_, false)) submit(engine, *piece);
    if (queue_.cancelled()) engine.cancel();
    engine.step(done);
  }
}

void DeviceWorker::submit(Engine& engine, const WorkPiece& piece) {
  for (uint32_t i = 0; i < piece.samples; ++i)
    held_[{piece.request->tag, piece.first + i}] = piece.request;
  Request request = *piece.request;
  request.first_sample = piece.first;
  request.samples = piece.samples;
  engine.submit(std::move(request));
}

std::vector<WorkPiece> DeviceWorker::unfinished() const {
  std::vector<WorkPiece> out;
  for (const auto& [place, request] : held_) {
    WorkPiece* last = out.empty() ? nullptr : &out.back();
    if (last != nullptr && last->request == request && last->first + last->samples == place.second)
      ++last->samples;
    else
      out.push_back({request, place.second, 1});
  }
  return out;
}

}  // namespace molgen3d
