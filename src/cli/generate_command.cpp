// molgen3d generate: SMILES in, 3D structures out.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/generate_options.h"
#include "cli/generate_sink.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cluster/shard_task.h"
#include "generation/run_identity.h"
#include "generation/sampling_presets.h"

namespace molgen3d {

namespace {

// Inputs and outputs apart, before anything is opened. Throws Error.
void check_files(const GenerateOptions& options) {
  if (options.task_of.empty() && options.input.inputs.empty()) throw CLI::RequiredError("input");
  FileRoles roles;
  roles.reads(options.input.inputs);
  roles.reads(find_model(options.run.model_name()).string());
  options.paths().add_to(roles);
  roles.writes(options.profile.path, "--profile");
  roles.check();
  if (options.resume.resume && options.paths().journal().empty())
    throw Error("--resume needs --output FILE (an ordinary file)");
}

PromptStreamOptions stream_options_of(const GenerateOptions& options, const RunPlan& plan) {
  PromptStreamOptions out;
  out.reader = reader_options_of(options.input);
  out.limit = options.input.limit;
  out.threads = options.run.threads;
  out.prompt = plan.prompts;
  return out;
}

// Everything that the samples depend on; how they are written is free. Without a journal nobody
// asks.
RunJournal journal_of(const GenerateOptions& options, const RunPlan& plan,
                      const PromptStreamOptions& stream, const ShardTask* task) {
  const std::string path = options.paths().journal();
  if (path.empty()) return {};
  if (task != nullptr)
    return {path, Journal::Start::kResume, joined(run_identity(plan), task->identity())};
  return {path, options.resume.start(),
          joined(run_identity(plan),
                 input_identity(options.input.inputs, stream.reader, stream.limit))};
}

int print_memory_plan(const RunPlan& plan) {
  for (size_t i = 0; i < plan.devices.size(); ++i) {
    const MemoryPlan memory = plan_memory(plan.devices[i], *plan.model, plan.backend_of(i));
    if (plan.devices.size() > 1) fmt::print("{}\n", plan.devices[i]);
    std::fputs(memory_plan_text(memory).c_str(), stdout);
    if (const std::string fewer = batch_note(memory, plan.backend); !fewer.empty())
      fmt::print("{}\n", fewer);
  }
  return kExitDone;
}

void say_beginning(const Run& run) {
  const RunPlan& plan = run.plan();
  say(fmt::format(
      "{} on {}; {} ({}); constraint {}; seed {}", plan.model->name, run.description(),
      describe(plan.generation.sampling),
      plan.settings.sampling == "checkpoint" ? "generation_config.json" : plan.settings.sampling,
      plan.settings.constraint, plan.generation.seed));
  for (const std::string& note : run.notes()) say(note);
  if (run.restorable() > 0) say(fmt::format("resuming: {} samples are done", run.restorable()));
}

int exit_code_of(const RunOutcome& outcome) {
  if (outcome.end == RunEnd::kStopped) return kExitInterrupted;
  return outcome.complete() && outcome.dropped == 0 ? kExitDone : kExitBadInput;
}

// The files of a task of a submission (docs/clusters.md) instead of those of the command line.
std::unique_ptr<ShardTask> open_task(GenerateOptions& options) {
  if (options.task_of.empty()) return nullptr;
  auto task = std::make_unique<ShardTask>(options.task_of, options.task);
  options.output = task->output();
  options.failed = task->failed();
  return task;
}

GenerateSinkOptions sink_options_of(const GenerateOptions& options, const RunPlan& plan,
                                    std::optional<Progress>& progress) {
  GenerateSinkOptions sink{
      .paths = options.paths(),
      .records = {.format = options.format.empty() ? output_format_of_path(options.output)
                                                   : output_format(options.format),
                  .add_hydrogens = options.add_hydrogens,
                  .seed = plan.generation.seed,
                  .audit = options.run.audit},
      .failures = options.input.failures,
      .identity = {},
      .quiet = options.quiet,
      .spans = plan.backend.spans,
      .show = [&](const std::string& line) {
        if (progress) progress->clear();  // lines do not tear the bar
        say(line);
      }};
  if (!plan.journal.path.empty())
    sink.identity = brief_identity(joined(plan.journal.identity, output_identity(sink.records)));
  return sink;
}

// The run tells the task how far it is; the task tells the run how much it may take at once.
void attach(ShardTask& task, RunPlan& plan, GenerateSinkOptions& sink) {
  plan.window = [&task](size_t usual) { return task.window(usual); };
  RunIdentity identity = plan.journal.identity;
  identity.resize(identity.size() - task.identity().size());  // its records aside
  identity = joined(std::move(identity), output_identity(sink.records));
  sink.finished = [&task, identity](const RunOutcome& outcome) { task.finish(outcome, identity); };
}

RunOutcome go(Run& run, Progress& progress, ShardTask* task) {
  catch_interrupts(task == nullptr);
  if (task != nullptr) task->begin(run.restorable());
  const RunOutcome outcome = run.go({.progress =
                                         [&](size_t finished) {
                                           progress.update(finished);
                                           if (task != nullptr) task->progress(finished);
                                         },
                                     .stop = [](size_t) { return interrupted(); },
                                     .note =
                                         [&](const std::string& line) {
                                           progress.clear();
                                           say(line);
                                         }});
  if (task != nullptr && !outcome.complete()) task->stop();
  return outcome;
}

int run_generate(GenerateOptions options) {
  const std::unique_ptr<ShardTask> task = open_task(options);
  check_files(options);
  Profile profile(options.dry_run ? ProfileOptions{} : options.profile, options.run.device,
                  {{"command", "generate"},
                   {"model", options.run.model_name()},
                   {"constraint", options.run.constraint},
                   {"seed", std::to_string(options.run.seed)}});
  ScopedSpan loading(profile.spans(), RunPhase::kLoad);
  RunPlan plan(load_model(find_model(options.run.model_name())), options.run);
  plan.backend.spans = profile.spans();
  if (options.dry_run) return print_memory_plan(plan);

  const PromptStreamOptions stream_options = stream_options_of(options, plan);
  PromptStream stream = task ? PromptStream(task->feed(), stream_options)
                             : PromptStream(options.input.inputs, stream_options);
  plan.source = [&] { return stream.next(); };
  plan.journal = journal_of(options, plan, stream_options, task.get());

  std::optional<Progress> progress;
  GenerateSinkOptions sink_options = sink_options_of(options, plan, progress);
  if (task) attach(*task, plan, sink_options);
  if (!task && options.resume.finished_run(options.output, plan.journal.path)) {
    const bool failures =
        finished_with_failures(options.output, sink_options.identity, options.input.inputs);
    if (!options.quiet) say(options.output + ": already complete");
    return failures ? kExitBadInput : kExitDone;
  }
  GenerateSink sink(std::move(sink_options));
  Run run(std::move(plan), sink);
  loading.end();

  progress.emplace(0, "samples", options.quiet);
  if (!options.quiet) say_beginning(run);
  if (run.damaged() > 0)
    say(fmt::format("{} lines of the journal are damaged; their samples are made again",
                    run.damaged()));
  const RunOutcome outcome = go(run, *progress, task.get());
  progress->clear();

  const std::string profiled = profile.finish(run.plan().device());
  if (!options.quiet) say(sink.summary(outcome));
  if (!profiled.empty() && !options.quiet) say(profiled);
  if (!outcome.complete()) say(sink.stop_line());
  return exit_code_of(outcome);
}

}  // namespace

void add_generate_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command = app.add_subcommand(
      "generate",
      "Generate 3D conformers from SMILES.\n"
      "Example: molgen3d generate \"CC(=O)Oc1ccccc1C(=O)O\" -n 10 --seed 7 -o aspirin.sdf");
  add_generate_options(*command, *options);
  command->callback([options, &exit_code] { exit_code = run_generate(*options); });
}

}  // namespace molgen3d
