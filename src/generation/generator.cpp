#include "generation/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "base/thread_pool.h"
#include "generation/request_maker.h"

namespace molgen3d {

namespace {

// Samples kept in flight beyond those that run: enough to pick the longest first.
constexpr size_t kWindow = 1024;
constexpr size_t kWindowBatches = 4;  ///< and of what the devices hold at once
// Prompts made ready at a time: enough to share between threads, few enough to begin at once.
constexpr size_t kIntake = 64;
constexpr size_t kMostIntakeThreads = 16;
// How long a stop can stay unnoticed.
constexpr std::chrono::milliseconds kPatience{20};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void add(EngineStatistics& sum, const EngineStatistics& part) {
  sum.prompt_tokens += part.prompt_tokens;
  sum.sampled_tokens += part.sampled_tokens;
  sum.forced_tokens += part.forced_tokens;
  sum.completions += part.completions;
  sum.failures += part.failures;
  sum.steps += part.steps;
  sum.sequence_passes += part.sequence_passes;
  sum.most_sequences += part.most_sequences;
  for (size_t i = 0; i < kPhases; ++i) sum.phases.seconds[i] += part.phases.seconds[i];
  if (sum.phases.sink == nullptr) sum.phases.sink = part.phases.sink;
}

GeneratorDevice ready_device(std::unique_ptr<Backend> backend) {
  const auto held = std::make_shared<std::unique_ptr<Backend>>(std::move(backend));
  return {"", [held] { return std::move(*held); }};
}

std::vector<GeneratorDevice> only(GeneratorDevice device) {
  std::vector<GeneratorDevice> out;
  out.push_back(std::move(device));
  return out;
}

}  // namespace

struct Generator::Impl {
  // A prompt whose samples are not all delivered yet.
  struct Open {
    std::shared_ptr<const Prompt> prompt;
    std::vector<std::optional<Completion>> samples;
    uint32_t delivered = 0;
  };

  // A prompt on its way from the source to the queue.
  struct Intake {
    Open* entry = nullptr;
    std::vector<std::pair<uint32_t, uint32_t>> missing;  ///< first sample, samples
    Request request;
    std::string cause;  ///< why there is no request
  };

  Impl(std::shared_ptr<const Model> m, std::vector<GeneratorDevice> devices, GenerationOptions o)
      : model(std::move(m)),
        options(std::move(o)),
        queue(devices.size(), kWindow,
              static_cast<size_t>(model->checkpoint->config().max_positions)) {
    const EngineOptions engine{
        .seed = options.seed, .sampling = options.sampling, .window = kWindow};
    for (size_t i = 0; i < devices.size(); ++i) {
      workers.push_back(std::make_unique<DeviceWorker>(i, std::move(devices[i].name),
                                                       std::move(devices[i].make),
                                                       model->checkpoint->config(), engine, queue));
    }
    wait_for_devices();
    size_t slots = 0;
    for (const auto& worker : workers) slots += worker->report().memory.slots;
    usual_window = window = std::max(kWindow, kWindowBatches * slots);
    make_pool();
  }

  ~Impl() {
    queue.cancel();
    queue.close();
  }

  void make_pool() {
    const bool host_computes = std::any_of(workers.begin(), workers.end(), [](const auto& worker) {
      return !worker->report().name.starts_with("cuda");
    });
    // A CPU backend has all cores at work already.
    const size_t threads = host_computes
                               ? 1
                               : std::min<size_t>(std::max(1U, std::thread::hardware_concurrency()),
                                                  kMostIntakeThreads);
    pool = std::make_unique<ThreadPool>(threads);
  }

  void wait_for_devices() {
    std::exception_ptr first;
    size_t there = 0;
    for (const auto& worker : workers) {
      const std::exception_ptr error = worker->started();
      if (!error) {
        if (++there == 1) spans = worker->statistics().phases.sink;
        continue;
      }
      worker->report().failure = cause_of(error);
      if (!first) first = error;
    }
    (void)queue.take_failures();
    if (there > 0) return;
    queue.close();
    std::rethrow_exception(first);
  }

  // Takes the next prompts: restores, refuses, or queues requests for the samples they miss.
  void take(const GenerationCallbacks& callbacks, bool& more) {
    std::vector<Intake> intake;
    size_t taken = 0;
    for (size_t room = window - running; more && taken < kIntake && room > 0; ++taken) {
      ScopedSpan reading(spans, RunPhase::kRead);
      auto prompt = callbacks.next();
      reading.end();
      if (!prompt) {
        more = false;
        break;
      }
      Intake one = begin(std::move(*prompt), callbacks);
      if (one.missing.empty()) {
        if (intake.empty()) break;  // may be delivered at once
        continue;
      }
      room -= std::min<size_t>(room, options.samples);
      intake.push_back(std::move(one));
    }
    if (intake.empty()) return;
    const auto begin = std::chrono::steady_clock::now();
    pool->parallel_for(intake.size(), 1, [&](size_t first, size_t last) {
      for (size_t i = first; i < last; ++i) make(intake[i]);
    });
    statistics.template_seconds += seconds_since(begin);
    std::vector<std::shared_ptr<const Request>> requests;
    for (Intake& one : intake) submit(one, requests);
    queue.push(std::move(requests));
  }

  Intake begin(Prompt&& taken, const GenerationCallbacks& callbacks) {
    Intake out;
    auto prompt = std::make_shared<const Prompt>(std::move(taken));
    ++statistics.prompts;
    out.request.tag = next_number++;
    Open& entry = open[out.request.tag];
    out.entry = &entry;
    entry.prompt = prompt;
    entry.samples.resize(options.samples);
    if (!prompt->ok()) {
      ++statistics.refused;
      fail(entry, prompt->refusal);
      return out;
    }
    out.request.item = keys.key(*prompt);
    for (uint32_t i = 0; i < options.samples; ++i) {
      if (callbacks.restore) entry.samples[i] = callbacks.restore(*prompt, i);
      if (entry.samples[i]) {
        ++statistics.restored;
      } else if (!out.missing.empty() &&
                 out.missing.back().first + out.missing.back().second == i) {
        ++out.missing.back().second;
      } else {
        out.missing.emplace_back(i, 1);
      }
    }
    return out;
  }

  static void fail(Open& entry, const std::string& cause) {
    for (auto& sample : entry.samples) {
      if (sample) continue;
      sample.emplace();
      sample->reason = FinishReason::kFailed;
      sample->error = cause;
    }
  }

  // In any thread.
  void make(Intake& one) const {
    try {
      Request made = maker->make(*one.entry->prompt, spans);
      made.item = one.request.item;
      made.tag = one.request.tag;
      one.request = std::move(made);
    } catch (const Error& error) {
      one.cause = error.what();
    }
  }

  void submit(Intake& one, std::vector<std::shared_ptr<const Request>>& requests) {
    // A text that the tokenizer cannot write: these samples fail, the run goes on.
    if (!one.cause.empty()) return fail(*one.entry, one.cause);
    for (const auto& [first, samples] : one.missing) {
      Request request = one.request;
      request.first_sample = first;
      request.samples = samples;
      requests.push_back(std::make_shared<const Request>(std::move(request)));
      running += samples;
    }
  }

  void finish(Completion&& completion, const GenerationCallbacks& callbacks) {
    --running;
    Open& entry = open.at(completion.tag);
    const uint32_t index = completion.sample;
    if (callbacks.finished && completion.reason != FinishReason::kCancelled) {
      const ScopedSpan span(spans, RunPhase::kWrite);
      callbacks.finished({entry.prompt, index, completion});
    }
    entry.samples[index] = std::move(completion);
  }

  // Delivers what is next in order, as far as it is finished.
  void deliver(const GenerationCallbacks& callbacks) {
    std::vector<Sample> ready;
    while (!open.empty()) {
      Open& entry = open.begin()->second;
      for (; entry.delivered < entry.samples.size(); ++entry.delivered) {
        auto& sample = entry.samples[entry.delivered];
        if (!sample || sample->reason == FinishReason::kCancelled) break;
        ready.push_back({entry.prompt, entry.delivered, std::move(*sample)});
      }
      if (entry.delivered < entry.samples.size()) break;
      open.erase(open.begin());
    }
    if (ready.empty()) return;
    callbacks.deliver(ready);
    statistics.samples += ready.size();
  }

  // What the devices have done since the last call, waiting a little for it.
  void collect(const GenerationCallbacks& callbacks) {
    ScopedSpan waiting(spans, RunPhase::kWait);
    std::vector<Completion> done = queue.collect(kPatience);
    waiting.end();
    for (const WorkerFailure& failure : queue.take_failures()) {
      DeviceReport& report = workers[failure.worker]->report();
      report.failure = failure.cause;
      if (callbacks.note) {
        callbacks.note(fmt::format("device {} failed: {}; {} samples go to the other devices",
                                   report.name, failure.cause, failure.given_back));
      }
    }
    for (Completion& completion : done) finish(std::move(completion), callbacks);
  }

  // Everything until the last sample is there. False: stopped.
  bool work(const GenerationCallbacks& callbacks) {
    bool more = true, stopped = false;
    for (;;) {
      if (!stopped && callbacks.stop && callbacks.stop()) {
        stopped = true;
        more = false;
        queue.cancel();
      }
      if (callbacks.window) window = std::max<size_t>(1, callbacks.window(usual_window));
      if (more && running < window) {
        take(callbacks, more);
        deliver(callbacks);
        if (more && running < window) continue;
      }
      if (stopped ? queue.idle() : running == 0 && !more) break;
      collect(callbacks);
      deliver(callbacks);
    }
    if (stopped) collect(callbacks);  // what was finished on the way
    deliver(callbacks);
    return !stopped;
  }

  std::shared_ptr<const Model> model;
  GenerationOptions options;
  WorkQueue queue;
  std::vector<std::unique_ptr<DeviceWorker>> workers;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<RequestMaker> maker;
  SpanSink* spans = nullptr;  // the backends'; may be null
  size_t window = kWindow, usual_window = kWindow;
  PromptKeys keys;
  std::map<uint64_t, Open> open;
  uint64_t next_number = 0;
  size_t running = 0;
  mutable GenerationStatistics statistics;
  std::string warning;
};

Generator::Generator(std::shared_ptr<const Model> model, std::vector<GeneratorDevice> devices,
                     GenerationOptions options)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(devices), std::move(options))) {
  impl_->maker = std::make_unique<RequestMaker>(impl_->model, impl_->options);
  if (impl_->options.rule == ConstraintRule::kExact)
    impl_->warning = impl_->model->templates->fallback_warning();
}

Generator::Generator(std::shared_ptr<const Model> model, std::unique_ptr<Backend> backend,
                     GenerationOptions options)
    : Generator(std::move(model), only(ready_device(std::move(backend))), std::move(options)) {}

Generator::~Generator() = default;

bool Generator::run(const GenerationCallbacks& callbacks) {
  Impl& impl = *impl_;
  const auto begin = std::chrono::steady_clock::now();
  bool whole = false;
  try {
    whole = impl.work(callbacks);
  } catch (...) {
    impl.queue.cancel();
    throw;
  }
  impl.statistics.wall_seconds += seconds_since(begin);
  if (whole && !impl.open.empty())
    throw std::logic_error("the run ended before every sample was delivered");
  return whole;
}

bool Generator::warm_up(Prompt prompt, const std::function<bool()>& stop) {
  Impl& impl = *impl_;
  Request request = impl.maker->make(prompt);
  size_t left = 0;
  for (size_t i = 0; i < impl.workers.size(); ++i) {
    if (!impl.workers[i]->report().failure.empty()) continue;
    impl.queue.push_to(i, std::make_shared<const Request>(request));
    ++left;
  }
  while (left > 0) {
    if (stop && stop()) {
      impl.queue.cancel();
      return false;
    }
    left -= impl.queue.collect(kPatience).size();
    for (const WorkerFailure& failure : impl.queue.take_failures()) {
      impl.workers[failure.worker]->report().failure = failure.cause;
      // What it gives back, another device does.
      left -= failure.given_back == 0 ? 1 : 0;
    }
  }
  return true;
}

const GenerationStatistics& Generator::statistics() const {
  impl_->statistics.engine = EngineStatistics();
  for (const auto& worker : impl_->workers) add(impl_->statistics.engine, worker->statistics());
  return impl_->statistics;
}

std::vector<DeviceReport> Generator::devices() const {
  std::vector<DeviceReport> out;
  for (const auto& worker : impl_->workers) out.push_back(worker->report());
  return out;
}

const std::string& Generator::warning() const {
  return impl_->warning;
}

}  // namespace molgen3d
