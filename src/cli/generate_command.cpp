// molgen3d generate: SMILES in, 3D structures out.
#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/generate_sink.h"
#include "cli/input_options.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/profile.h"
#include "cli/progress.h"
#include "cli/resume_options.h"
#include "cli/run_options.h"
#include "generation/run_identity.h"
#include "generation/sampling_presets.h"

namespace molgen3d {

namespace {

struct GenerateOptions {
  InputOptions input;
  RunOptions run;
  ProfileOptions profile;
  std::string output;
  std::string format;
  std::string failed;
  bool add_hydrogens = false;
  ResumeOptions resume;
  bool dry_run = false;
  bool quiet = false;

  SinkPaths paths() const { return {output, failed}; }
};

// Inputs and outputs apart, before anything is opened. Throws Error.
void check_files(const GenerateOptions& options) {
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
                      const PromptStreamOptions& stream) {
  const std::string path = options.paths().journal();
  if (path.empty()) return {};
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

int run_generate(const GenerateOptions& options) {
  check_files(options);
  const OutputFormat format = options.format.empty() ? output_format_of_path(options.output)
                                                     : output_format(options.format);
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
  PromptStream stream(options.input.inputs, stream_options);
  plan.source = [&] { return stream.next(); };
  plan.journal = journal_of(options, plan, stream_options);

  std::optional<Progress> progress;
  GenerateSinkOptions sink_options{.paths = options.paths(),
                                   .records = {.format = format,
                                               .add_hydrogens = options.add_hydrogens,
                                               .seed = plan.generation.seed,
                                               .audit = options.run.audit},
                                   .failures = options.input.failures,
                                   .identity = {},
                                   .quiet = options.quiet,
                                   .spans = profile.spans(),
                                   .show = [&](const std::string& line) {
                                     if (progress) progress->clear();  // lines do not tear the bar
                                     say(line);
                                   }};
  if (!plan.journal.path.empty()) {
    sink_options.identity =
        brief_identity(joined(plan.journal.identity, output_identity(sink_options.records)));
  }
  if (options.resume.finished_run(options.output, plan.journal.path)) {
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
  catch_interrupts();
  const RunOutcome outcome =
      run.go({.progress = [&](size_t finished) { progress->update(finished); },
              .stop = [](size_t) { return interrupted(); },
              .note = [&](const std::string& line) {
                progress->clear();
                say(line);
              }});
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
  add_input_options(*command, options->input);
  add_samples_option(*command, options->run);
  command->add_option("-o,--output", options->output,
                      "Output file, .gz to compress [default: standard output]");
  command->add_option("--format", options->format,
                      "sdf, xyz, enriched or jsonl [default: by the output's name, else sdf]");
  command->add_option("--failed", options->failed,
                      "File for samples that failed [default: OUTPUT.failed.jsonl]");
  command->add_flag("--add-hydrogens", options->add_hydrogens,
                    "Place hydrogens with RDKit (SDF and XYZ)");
  add_resume_options(*command, options->resume);
  command->add_flag("--dry-run", options->dry_run, "Print the memory plan and stop");
  command->add_flag("-q,--quiet", options->quiet, "Only errors on standard error");
  add_sampling_options(*command, options->run);
  add_model_option(*command, options->run);
  add_device_options(*command, options->run);
  add_profile_options(*command, options->profile);
  command->callback([options, &exit_code] { exit_code = run_generate(*options); });
}

}  // namespace molgen3d
