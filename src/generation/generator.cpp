#include "generation/generator.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "generation/request_maker.h"

namespace molgen3d {

namespace {

// Samples kept in flight beyond those that run: enough for the engine to pick the longest first.
constexpr size_t kWindow = 1024;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

struct Generator::Impl {
  // A prompt whose samples are not all delivered yet.
  struct Open {
    std::shared_ptr<const Prompt> prompt;
    std::vector<std::optional<Completion>> samples;
    uint32_t delivered = 0;
  };

  Impl(std::shared_ptr<const Model> m, std::unique_ptr<Backend> backend, GenerationOptions o)
      : model(std::move(m)),
        options(o),
        maker(model, std::move(o)),
        engine(
            std::move(backend), model->checkpoint->config(),
            EngineOptions{.seed = options.seed, .sampling = options.sampling, .window = kWindow}),
        spans(engine.backend().phases().sink) {}

  // Takes one prompt: restores, refuses, or queues requests for its missing samples.
  void take(Prompt&& taken, const GenerationCallbacks& callbacks) {
    auto prompt = std::make_shared<const Prompt>(std::move(taken));
    ++statistics.prompts;
    const uint64_t number = next_number++;
    Open& entry = open[number];
    entry.prompt = prompt;
    entry.samples.resize(options.samples);
    if (!prompt->ok()) {
      ++statistics.refused;
      for (auto& sample : entry.samples) {
        sample.emplace();
        sample->reason = FinishReason::kFailed;
        sample->error = prompt->refusal;
      }
      return;
    }
    const uint64_t item = keys.key(prompt->text_template.smiles);
    uint32_t missing = 0;
    for (uint32_t i = 0; i < options.samples; ++i) {
      if (callbacks.restore) entry.samples[i] = callbacks.restore(*prompt, i);
      if (entry.samples[i]) {
        ++statistics.restored;
      } else {
        ++missing;
      }
    }
    if (missing == 0) return;

    const auto begin = std::chrono::steady_clock::now();
    Request request;
    try {
      request = maker.make(*prompt, spans);
    } catch (const Error& error) {
      // A text that the tokenizer cannot write: these samples fail, the run goes on.
      for (auto& sample : entry.samples) {
        if (sample) continue;
        sample.emplace();
        sample->reason = FinishReason::kFailed;
        sample->error = error.what();
      }
      return;
    }
    statistics.template_seconds += seconds_since(begin);
    request.item = item;
    request.tag = number;
    for (uint32_t i = 0; i < options.samples; ++i) {
      if (entry.samples[i]) continue;
      request.first_sample = i;
      request.samples = 1;
      while (i + 1 < options.samples && !entry.samples[i + 1]) {
        ++i;
        ++request.samples;
      }
      engine.submit(request);
    }
    running += missing;
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
    while (!open.empty()) {
      Open& entry = open.begin()->second;
      for (; entry.delivered < entry.samples.size(); ++entry.delivered) {
        auto& sample = entry.samples[entry.delivered];
        if (!sample || sample->reason == FinishReason::kCancelled) return;
        callbacks.deliver({entry.prompt, entry.delivered, std::move(*sample)});
        ++statistics.samples;
      }
      open.erase(open.begin());
    }
  }

  std::shared_ptr<const Model> model;
  GenerationOptions options;
  RequestMaker maker;
  Engine engine;
  SpanSink* spans;  // the backend's; may be null
  PromptKeys keys;
  std::map<uint64_t, Open> open;
  uint64_t next_number = 0;
  size_t running = 0;
  mutable GenerationStatistics statistics;
  std::string warning;
};

Generator::Generator(std::shared_ptr<const Model> model, std::unique_ptr<Backend> backend,
                     GenerationOptions options)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(backend), std::move(options))) {
  if (impl_->options.rule == ConstraintRule::kExact)
    impl_->warning = impl_->model->templates->fallback_warning();
}

Generator::~Generator() = default;

bool Generator::run(const GenerationCallbacks& callbacks) {
  Impl& impl = *impl_;
  const auto begin = std::chrono::steady_clock::now();
  bool more = true;
  bool stopped = false;
  const auto done = [&](Completion&& completion) { impl.finish(std::move(completion), callbacks); };
  for (;;) {
    if (!stopped && callbacks.stop && callbacks.stop()) {
      stopped = true;
      more = false;
      impl.engine.cancel();
    }
    while (more && impl.running < kWindow) {
      ScopedSpan reading(impl.spans, RunPhase::kRead);
      auto prompt = callbacks.next();
      reading.end();
      if (!prompt) {
        more = false;
        break;
      }
      impl.take(std::move(*prompt), callbacks);
      if (impl.running == 0) impl.deliver(callbacks);
    }
    const bool worked = impl.engine.step(done);
    impl.deliver(callbacks);
    if (!worked && !more) break;
  }
  impl.statistics.wall_seconds += seconds_since(begin);
  if (!stopped && !impl.open.empty())
    throw std::logic_error("the run ended before every sample was delivered");
  return !stopped;
}

const GenerationStatistics& Generator::statistics() const {
  impl_->statistics.engine = impl_->engine.statistics();
  return impl_->statistics;
}

const Backend& Generator::backend() const {
  return impl_->engine.backend();
}
const std::string& Generator::warning() const {
  return impl_->warning;
}

std::shared_ptr<const Constraint> Generator::compile(const Prompt& prompt) const {
  return impl_->maker.compile(prompt);
}

}  // namespace molgen3d
