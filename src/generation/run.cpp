#include "generation/run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/cpu_time.h"
#include "base/thread_pool.h"
#include "checkpoint/weight_scan.h"
#include "generation/run_identity.h"
#include "generation/run_settings.h"

namespace molgen3d {

namespace {

/// What was added to `before`. `most_sequences` is a highest value and stays.
GenerationStatistics since(const GenerationStatistics& before, GenerationStatistics now) {
  now.prompts -= before.prompts;
  now.refused -= before.refused;
  now.samples -= before.samples;
  now.restored -= before.restored;
  now.template_seconds -= before.template_seconds;
  now.wall_seconds -= before.wall_seconds;
  now.engine.prompt_tokens -= before.engine.prompt_tokens;
  now.engine.sampled_tokens -= before.engine.sampled_tokens;
  now.engine.forced_tokens -= before.engine.forced_tokens;
  now.engine.completions -= before.engine.completions;
  now.engine.failures -= before.engine.failures;
  now.engine.steps -= before.engine.steps;
  now.engine.sequence_passes -= before.engine.sequence_passes;
  for (size_t i = 0; i < kPhases; ++i)
    now.engine.phases.seconds[i] -= before.engine.phases.seconds[i];
  return now;
}

}  // namespace

RunPlan::RunPlan(std::shared_ptr<const Model> of, const RunSettings& wanted)
    : model(std::move(of)),
      settings(wanted),
      devices(resolve_devices(settings)),
      generation(generation_options_of(settings, *model)),
      backend(backend_options_of(settings, devices.front(), *model)),
      prompts(prompt_options_of(generation, *model)) {}

BackendOptions RunPlan::backend_of(size_t place) const {
  BackendOptions out = backend;
  out.device = backend_options_of(settings, devices[place], *model).device;
  if (devices[place].starts_with("cpu") && devices.size() > 1) {
    const size_t threads =
        out.threads != 0 ? out.threads : std::max<size_t>(1, std::thread::hardware_concurrency());
    out.threads = std::max<size_t>(1, threads / devices.size());
  }
  return out;
}

RunIdentity run_identity(const RunPlan& plan) {
  return run_identity(plan.settings, plan.generation, *plan.model, plan.device());
}

Run::Run(RunPlan plan, RunSink& sink) : plan_(std::move(plan)), sink_(sink) {
  require_finite_weights(*plan_.model->checkpoint);
  std::vector<GeneratorDevice> devices;
  for (size_t i = 0; i < plan_.devices.size(); ++i) {
    const std::string& name = plan_.devices[i];
    devices.push_back({name, [this, name, options = plan_.backend_of(i)] {
                         return plan_.make_backend ? plan_.make_backend(name, options)
                                                   : make_backend(name, *plan_.model, options);
                       }});
  }
  generator_ = std::make_unique<Generator>(plan_.model, std::move(devices), plan_.generation);
  describe_devices();
  // Nothing but files can keep the run from starting now.
  const RunJournal& journal = plan_.journal;
  if (!journal.path.empty()) {
    journal_.emplace(Journal::open(journal.path, journal.start, journal.identity));
    const SampleBounds bounds =
        sample_bounds(*plan_.model, plan_.generation.samples, plan_.settings.audit);
    finished_ = FinishedSamples(journal_->take_lines(), bounds, journal.path);
  }
  sink_.open();
}

Run::~Run() = default;

// One device: its own description. Several: "2 x DESCRIPTION (cuda:0, cuda:1)".
void Run::describe_devices() {
  std::vector<std::string> used, left_out;
  std::string fewer;
  for (const DeviceReport& device : generator_->devices()) {
    if (!device.failure.empty()) {
      left_out.push_back(fmt::format("device {} is left out: {}", device.name, device.failure));
      continue;
    }
    if (used.empty()) description_ = device.description;
    if (fewer.empty()) fewer = batch_note(device.memory, plan_.backend);
    used.push_back(device.name);
  }
  if (plan_.devices.size() > 1)
    description_ = fmt::format("{} x {} ({})", used.size(), description_, fmt::join(used, ", "));
  for (const std::string& note : {plan_.model->warning, sampling_note(plan_.settings, *plan_.model),
                                  generator_->warning(), fewer}) {
    if (!note.empty()) notes_.push_back(note);
  }
  notes_.insert(notes_.end(), left_out.begin(), left_out.end());
}

bool Run::warm_up(Prompt prompt, const RunControl& control) {
  const auto stop = [&] { return control.stop(0); };
  return generator_->warm_up(std::move(prompt),
                             control.stop ? std::function<bool()>(stop) : nullptr);
}

RunOutcome Run::generate(const RunControl& control) {
  RunOutcome outcome;
  size_t finished = 0;
  GenerationCallbacks callbacks;
  callbacks.next = plan_.source;
  // Where a device computes, the cores are free to read what comes back.
  ThreadPool readers(plan_.device().starts_with("cpu") ? 1 : plan_.settings.threads);
  callbacks.deliver = [&](std::span<const Sample> samples) {
    std::vector<Conformer> conformers(samples.size());
    if (plan_.conformers) {
      readers.parallel_for(samples.size(), 4, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i)
          conformers[i] = read_conformer(*plan_.model, samples[i], plan_.backend.spans);
      });
    }
    for (size_t i = 0; i < samples.size(); ++i) {
      const Acceptance fate = sink_.accept(samples[i], conformers[i]);
      ++(fate == Acceptance::kKeep ? outcome.kept : outcome.dropped);
    }
  };
  callbacks.note = control.note;
  callbacks.window = plan_.window;
  callbacks.finished = [&](const Sample& sample) {
    if (journal_) journal_->append(journal_line(sample));
    ++finished;
    if (control.progress) control.progress(finished);
  };
  if (journal_) {
    callbacks.restore = [&](const Prompt& prompt, uint32_t sample) {
      return finished_.find(prompt, sample);
    };
  }
  callbacks.stop = [&] { return (control.stop && control.stop(finished)) || sink_.had_enough(); };
  const GenerationStatistics before = generator_->statistics();
  const double cpu_before = cpu_seconds();
  const bool whole = generator_->run(callbacks);
  outcome.cpu_seconds = cpu_seconds() - cpu_before;
  outcome.statistics = since(before, generator_->statistics());
  outcome.devices = generator_->devices();
  outcome.end = sink_.had_enough() ? RunEnd::kHadEnough
                : whole            ? RunEnd::kComplete
                                   : RunEnd::kStopped;
  return outcome;
}

RunOutcome Run::go(const RunControl& control) {
  RunOutcome outcome = generate(control);
  {
    const ScopedSpan span(plan_.backend.spans, RunPhase::kRelease);
    generator_.reset();
  }
  if (outcome.complete()) {
    // A sample that no prompt asked for: the input is shorter than it was.
    if (outcome.statistics.restored < finished_.size())
      finished_.require_within(outcome.statistics.prompts);
    if (!sink_.finish(outcome)) outcome.end = RunEnd::kStopped;
  } else {
    sink_.stop();
  }
  if (!journal_) return outcome;
  if (outcome.complete()) {
    journal_->remove();
  } else {
    journal_->sync();
  }
  return outcome;
}

}  // namespace molgen3d
