#include "generation/generator.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "geometry/program.h"

namespace molgen3d {

namespace {

// Samples kept in flight beyond those that run: enough for the engine to pick the longest first.
constexpr size_t kWindow = 1024;
// A free answer may be longer than its template and still be worth reading.
constexpr double kFreeMargin = 1.25;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

bool is_position_rule(ConstraintRule rule) {
  return rule != ConstraintRule::kNone && rule != ConstraintRule::kExact;
}

}  // namespace

DescriptorStyle trained_descriptors(const Model& model) {
  return model.checkpoint->format().hydrogen_counts ? DescriptorStyle::kHydrogenCount
                                                    : DescriptorStyle::kVerbatim;
}

DescriptorStyle descriptors_of(const GenerationOptions& options, const Model& model) {
  if (options.descriptors) return *options.descriptors;
  if (is_position_rule(options.rule)) return DescriptorStyle::kStudy;
  return trained_descriptors(model);
}

struct Generator::Impl {
  // A prompt whose samples are not all delivered yet.
  struct Open {
    std::shared_ptr<const Prompt> prompt;
    std::vector<std::optional<Completion>> samples;
    uint32_t delivered = 0;
  };

  Impl(std::shared_ptr<const Model> m, std::unique_ptr<Backend> backend, GenerationOptions o)
      : model(std::move(m)),
        options(std::move(o)),
        engine(
            std::move(backend), model->checkpoint->config(),
            EngineOptions{.seed = options.seed, .sampling = options.sampling, .window = kWindow}),
        spans(engine.backend().phases().sink) {
    if (is_position_rule(options.rule)) {
      positions = std::make_unique<PositionRuleCompiler>(
          model->tokenizer, options.rule, EndOfSequence(model->end_of_sequence),
          static_cast<size_t>(model->checkpoint->config().vocabulary));
    }
  }

  std::shared_ptr<const Constraint> compile(const Prompt& prompt) const {
    if (options.rule == ConstraintRule::kNone) return nullptr;
    if (!positions) return model->templates->compile(tagged_literals(prompt.text_template));
    const TemplateOptions style{.style = options.prompt_style,
                                .descriptors = descriptors_of(options, *model),
                                .verify = false};
    return positions->compile(
        tagged_literals(make_template(*prompt.molecule, style).text_template));
  }

  std::shared_ptr<const geometry::Program> geometry_program(const Prompt& prompt,
                                                            const Constraint* constraint) {
    if (options.rule != ConstraintRule::kExact || !prompt.hard_set || !options.geometry.any())
      return nullptr;
    auto program = std::make_shared<geometry::Program>();
    program->set = *prompt.hard_set;
    program->texts = model->texts;
    program->policy.budget = static_cast<int32_t>(
        std::min(options.geometry_budget * static_cast<double>(constraint->max_tokens()), 1e9));
    program->policy.keep = options.keep_outside ? 1 : 0;
    program->policy.free_draws = static_cast<int32_t>(options.geometry_draws);
    if (options.sampling.greedy) {  // the same again each time
      program->policy.free_draws = std::min(program->policy.free_draws, 1);
      program->policy.masked_draws = 1;
    }
    return program;
  }

  uint32_t free_bound(const Prompt& prompt) const {
    const auto bound =
        model->templates->compile(tagged_literals(prompt.text_template))->max_tokens();
    return static_cast<uint32_t>(kFreeMargin * static_cast<double>(bound));
  }

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
    request.item = item;
    request.tag = number;
    {
      const ScopedSpan span(spans, RunPhase::kTokenize);
      request.prompt = model->prompt_tokens(prompt->text_template.smiles);
    }
    try {
      const ScopedSpan span(spans, RunPhase::kTemplate);
      request.constraint = compile(*prompt);
      request.geometry = geometry_program(*prompt, request.constraint.get());
      request.max_new_tokens = options.max_new_tokens;
      if (request.max_new_tokens == 0 && !request.constraint)
        request.max_new_tokens = free_bound(*prompt);
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
  std::unique_ptr<PositionRuleCompiler> positions;
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
  return impl_->compile(prompt);
}

}  // namespace molgen3d
