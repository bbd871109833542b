// molgen3d generate: SMILES in, 3D structures out.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/generate_sink.h"
#include "cli/input_options.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/profile.h"
#include "cli/progress.h"
#include "cli/run_options.h"
#include "generation/record_output.h"
#include "generation/record_stream.h"
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
  bool resume = false;
  bool overwrite = false;
  bool dry_run = false;
  bool quiet = false;

  std::string model_name() const { return run.model.empty() ? kDefaultModel : run.model; }
};

// One line on standard error that does not tear the progress bar.
void say_above(Progress& progress, const std::string& line) {
  progress.clear();
  say(line);
}

// Inputs and outputs apart, before anything is opened. Throws Error.
void check_files(const GenerateOptions& options, const SinkPaths& paths) {
  FileRoles roles;
  roles.reads(options.input.inputs);
  roles.reads(find_model(options.model_name()).string());
  paths.add_to(roles);
  roles.writes(options.profile.path, "--profile");
  roles.check();
  if (options.resume && paths.journal().empty())
    throw Error("--resume needs --output FILE (an ordinary file)");
}

PromptStreamOptions stream_options_of(const GenerateOptions& options,
                                      const GenerationOptions& generation, const Model& model) {
  PromptStreamOptions out;
  out.reader = reader_options_of(options.input);
  out.limit = options.input.limit;
  out.threads = options.run.threads;
  out.prompt = prompt_options_of(generation, model);
  return out;
}

// Everything that the samples depend on; how they are written is free. Without a journal nobody
// asks.
RunIdentity identity_of(const GenerateOptions& options, const SinkPaths& paths,
                        const PromptStreamOptions& stream, const GenerationOptions& generation,
                        const Model& model, const std::string& device) {
  if (paths.journal().empty()) return {};
  RunIdentity identity = run_identity(options.run, generation, model, device);
  const RunIdentity input = input_identity(options.input.inputs, stream.reader, stream.limit);
  identity.insert(identity.end(), input.begin(), input.end());
  return identity;
}

// What the bytes of the output depend on beside the samples.
RunIdentity with_output(RunIdentity identity, const OutputSettings& settings) {
  identity.emplace_back("format", std::to_string(static_cast<int>(settings.format)));
  identity.emplace_back("hydrogens", settings.add_hydrogens ? "added" : "as generated");
  return brief_identity(identity);
}

// --resume of a run that was finished: the exit code that it had. Throws Error when the output may
// be of another run.
int resume_finished(const GenerateOptions& options, const RunIdentity& identity) {
  const std::optional<FinishedMark> mark = finished_mark(options.output);
  if (!mark) {
    throw Error::format(
        "{}: is there without a journal, and nothing says which run made it, or it was changed "
        "since; "
        "--overwrite makes it anew",
        options.output);
  }
  require_same_identity(mark->identity, identity, options.output);
  for (const std::string& input : options.input.inputs) {
    if (can_be_read_again(input)) continue;
    throw Error::format(
        "{}: is finished; whether {} holds the same as then cannot be told, as it can be read only "
        "once; --overwrite makes it anew",
        options.output, input == "-" ? "standard input" : input);
  }
  if (!options.quiet) say(options.output + ": already complete");
  return mark->failures ? kExitBadInput : kExitDone;
}

int print_memory_plan(const std::string& device, const Model& model,
                      const BackendOptions& options) {
  const MemoryPlan plan = plan_memory(device, model, options);
  std::fputs(memory_plan_text(plan).c_str(), stdout);
  if (const std::string fewer = batch_note(plan, options); !fewer.empty())
    fmt::print("{}\n", fewer);
  return kExitDone;
}

void say_beginning(const GenerateOptions& options, const Model& model, const Generator& generator,
                   const GenerationOptions& generation, const std::string& batch,
                   const GenerateSink& sink) {
  say(fmt::format(
      "{} on {}; {} ({}); constraint {}; seed {}", model.name, generator.backend().description(),
      describe(generation.sampling),
      options.run.sampling == "checkpoint" ? "generation_config.json" : options.run.sampling,
      options.run.constraint, generation.seed));
  for (const std::string& note :
       {model.warning, sampling_note(options.run, model), generator.warning(), batch}) {
    if (!note.empty()) say(note);
  }
  if (sink.restorable() > 0) say(fmt::format("resuming: {} samples are done", sink.restorable()));
}

// What the run did so far, and what it was asked to stop for.
struct Tally {
  size_t written = 0;
  size_t failed = 0;
  size_t finished = 0;
};

// One finished sample on its way out.
void deliver(const Model& model, const OutputSettings& settings, const Sample& sample,
             SpanSink* spans, GenerateSink& sink, FailureLines& failures, Tally& tally) {
  Conformer conformer = read_conformer(model, sample, spans);
  const ScopedSpan writing(spans, RunPhase::kWrite);
  sink.write(written_record(sample, conformer, settings));
  if (conformer.ok) {
    ++tally.written;
    return;
  }
  ++tally.failed;
  sink.write_failure(failure_line(sample, conformer));
  // A refused record is one failure, however many samples were asked for.
  if (sample.index > 0 && !sample.prompt->ok()) return;
  failures.add(sample.prompt->ok() ? fmt::format("{}: sample {}: {}", sample.prompt->source,
                                                 sample.index, conformer.cause)
                                   : conformer.cause);
}

std::string summary(const Tally& tally, const GenerationStatistics& statistics,
                    const std::string& failed_path) {
  const auto tokens = statistics.engine.sampled_tokens + statistics.engine.forced_tokens;
  return fmt::format(
      "{} samples of {} molecules written, {} failed{} in {:.2f} s ({:.1f} samples/s, {:.0f} "
      "tokens/s)",
      tally.written, statistics.prompts - statistics.refused, tally.failed,
      tally.failed > 0 && !failed_path.empty() ? " (" + failed_path + ")" : "",
      statistics.wall_seconds, static_cast<double>(tally.written) / statistics.wall_seconds,
      static_cast<double>(tokens) / statistics.wall_seconds);
}

// What a stopped run leaves. `kept`: where the records written so far are.
std::string stop_line(const SinkPaths& paths, const std::string& kept, size_t failures) {
  std::string line = failures > 0
                         ? fmt::format("stopped after {} failures (--max-errors)", failures)
                         : "interrupted";
  if (!kept.empty()) line += "; what was written is in " + kept;
  if (!paths.journal().empty()) line += "; the same command with --resume completes the run";
  return line;
}

int run_generate(const GenerateOptions& options) {
  const SinkPaths paths{options.output, options.failed};
  check_files(options, paths);
  const OutputFormat format = options.format.empty() ? output_format_of_path(options.output)
                                                     : output_format(options.format);
  Profile profile(options.dry_run ? ProfileOptions{} : options.profile, options.run.device,
                  {{"command", "generate"},
                   {"model", options.model_name()},
                   {"constraint", options.run.constraint},
                   {"seed", std::to_string(options.run.seed)}});
  ScopedSpan loading(profile.spans(), RunPhase::kLoad);
  const auto model = load_model(find_model(options.model_name()));
  std::string device_note;
  const std::string device = resolve_device(options.run, &device_note);
  const GenerationOptions generation = generation_options_of(options.run, *model);
  BackendOptions backend_options = backend_options_of(options.run, device, *model);
  backend_options.spans = profile.spans();
  if (options.dry_run) return print_memory_plan(device, *model, backend_options);

  const PromptStreamOptions stream_options = stream_options_of(options, generation, *model);
  PromptStream stream(options.input.inputs, stream_options);
  const OutputSettings settings{.format = format,
                                .add_hydrogens = options.add_hydrogens,
                                .seed = generation.seed,
                                .audit = options.run.audit};
  const RunIdentity identity =
      identity_of(options, paths, stream_options, generation, *model, device);
  const RunIdentity output_identity = with_output(identity, settings);
  if (options.resume && !options.overwrite && !std::filesystem::exists(paths.journal()) &&
      std::filesystem::exists(options.output)) {
    return resume_finished(options, output_identity);
  }
  Generator generator(model, make_backend(device, *model, backend_options), generation);
  // Nothing can keep the run from starting now.
  GenerateSink sink(paths,
                    options.overwrite ? Journal::Start::kOverwrite
                    : options.resume  ? Journal::Start::kResume
                                      : Journal::Start::kNew,
                    identity, sample_bounds(*model, generation.samples, options.run.audit));
  loading.end();

  Progress progress(0, "samples", options.quiet);
  if (!options.quiet)
    say_beginning(options, *model, generator, generation,
                  batch_note(generator.backend().memory(), backend_options), sink);
  if (sink.damaged() > 0)
    say(fmt::format("{} lines of the journal are damaged; their samples are made again",
                    sink.damaged()));

  Tally tally;
  FailureLines failures(options.input.failures,
                        [&](const std::string& line) { say_above(progress, line); });
  catch_interrupts();
  GenerationCallbacks callbacks;
  callbacks.next = [&] { return stream.next(); };
  callbacks.stop = [&] { return interrupted() || failures.too_many(); };
  callbacks.restore = [&](const Prompt& prompt, uint32_t sample) {
    return sink.restore(prompt, sample);
  };
  callbacks.finished = [&](const Sample& sample) {
    sink.record(sample);
    progress.update(++tally.finished);
  };
  callbacks.deliver = [&](const Sample& sample) {
    if (sample.index == 0 && !options.quiet) {
      for (const std::string& note : sample.prompt->notes)
        say_above(progress, sample.prompt->source + ": " + note);
    }
    deliver(*model, settings, sample, profile.spans(), sink, failures, tally);
  };
  const bool complete = generator.run(callbacks) && !failures.too_many();
  progress.clear();
  failures.finish();

  std::string kept;
  {
    const ScopedSpan writing(profile.spans(), RunPhase::kWrite);
    if (complete) {
      sink.complete(generator.statistics().prompts, {output_identity, tally.failed > 0});
    } else {
      kept = sink.stop();
    }
  }
  const std::string profiled = profile.finish(device);
  if (!options.quiet) say(summary(tally, generator.statistics(), sink.failed_path()));
  if (!profiled.empty() && !options.quiet) say(profiled);
  if (!complete) {
    say(stop_line(paths, kept, failures.too_many() ? failures.count() : 0));
    return failures.too_many() ? kExitBadInput : kExitInterrupted;
  }
  return tally.failed > 0 ? kExitBadInput : kExitDone;
}

}  // namespace

void add_generate_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command = app.add_subcommand(
      "generate",
      "Generate 3D conformers from SMILES.\n"
      "Example: molgen3d generate \"CC(=O)Oc1ccccc1C(=O)O\" -n 10 --seed 7 -o aspirin.sdf");
  add_input_options(*command, options->input);
  command->add_option("-n,--samples", options->run.samples, "Conformers per molecule")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000000U));
  command->add_option("-o,--output", options->output,
                      "Output file, .gz to compress [default: standard output]");
  command->add_option("--format", options->format,
                      "sdf, xyz, enriched or jsonl [default: by the output's name, else sdf]");
  command->add_option("--failed", options->failed,
                      "File for samples that failed [default: OUTPUT.failed.jsonl]");
  command->add_flag("--add-hydrogens", options->add_hydrogens,
                    "Place hydrogens with RDKit (SDF and XYZ)");
  command->add_flag("--resume", options->resume, "Complete an interrupted run of the same command");
  command->add_flag("--overwrite", options->overwrite, "Forget an interrupted run and start anew");
  command->add_flag("--dry-run", options->dry_run, "Print the memory plan and stop");
  command->add_flag("-q,--quiet", options->quiet, "Only errors on standard error");
  add_sampling_options(*command, options->run);
  add_device_options(*command, options->run);
  add_profile_options(*command, options->profile);
  command->callback([options, &exit_code] { exit_code = run_generate(*options); });
}

}  // namespace molgen3d
