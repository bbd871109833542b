#include "generation/run.h"

#include <utility>

#include "base/cpu_time.h"
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
      device(resolve_device(settings)),
      generation(generation_options_of(settings, *model)),
      backend(backend_options_of(settings, device, *model)),
      prompts(prompt_options_of(generation, *model)) {}

RunIdentity run_identity(const RunPlan& plan) {
  return run_identity(plan.settings, plan.generation, *plan.model, plan.device);
}

Run::Run(RunPlan plan, RunSink& sink) : plan_(std::move(plan)), sink_(sink) {
  generator_ = std::make_unique<Generator>(
      plan_.model, make_backend(plan_.device, *plan_.model, plan_.backend), plan_.generation);
  const Backend& backend = generator_->backend();
  description_ = backend.description();
  for (const std::string& note :
       {plan_.model->warning, sampling_note(plan_.settings, *plan_.model), generator_->warning(),
        batch_note(backend.memory(), plan_.backend)}) {
    if (!note.empty()) notes_.push_back(note);
  }
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

bool Run::warm_up(Prompt prompt, const RunControl& control) {
  std::optional<Prompt> next = std::move(prompt);
  GenerationCallbacks callbacks;
  callbacks.next = [&] { return std::exchange(next, std::nullopt); };
  callbacks.deliver = [](const Sample&) {};
  if (control.stop) callbacks.stop = [&] { return control.stop(0); };
  return generator_->run(callbacks);
}

RunOutcome Run::generate(const RunControl& control) {
  RunOutcome outcome;
  size_t finished = 0;
  GenerationCallbacks callbacks;
  callbacks.next = plan_.source;
  callbacks.deliver = [&](const Sample& sample) {
    Conformer conformer;
    if (plan_.conformers) conformer = read_conformer(*plan_.model, sample, plan_.backend.spans);
    ++(sink_.accept(sample, conformer) == Acceptance::kKeep ? outcome.kept : outcome.dropped);
  };
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
