// molgen3d generate: SMILES in, 3D structures out.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/input_options.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/profile.h"
#include "cli/progress.h"
#include "cli/run_options.h"
#include "generation/journal.h"
#include "generation/journal_record.h"
#include "generation/record_output.h"
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
};

// Everything that the bytes of the output depend on, but for how they are written.
Journal::Settings settings_of(const GenerateOptions& options, const Model& model,
                              const std::string& device, const GenerationOptions& generation) {
  return {{"version", MOLGEN3D_VERSION},
          {"model", std::filesystem::weakly_canonical(model.checkpoint->directory()).string()},
          {"parameters", std::to_string(model.checkpoint->config().total_parameters())},
          {"device", device.substr(0, device.find(':'))},
          {"dtype", options.run.dtype},
          {"kv_dtype", options.run.kv_dtype},
          {"constraint", options.run.constraint},
          {"prompt", options.run.prompt},
          {"descriptors", options.run.descriptors.value_or("")},
          {"sampling", describe(generation.sampling)},
          {"seed", std::to_string(generation.seed)},
          {"samples", std::to_string(generation.samples)},
          {"max_new_tokens", std::to_string(generation.max_new_tokens)},
          {"audit", options.run.audit ? "yes" : "no"},
          {"inputs", fmt::format("{}", fmt::join(options.input.inputs, "\n"))}};
}

// One line on standard error that does not tear the progress bar.
void say(Progress& progress, const std::string& line) {
  progress.clear();
  std::fprintf(stderr, "molgen3d: %s\n", line.c_str());
}

// The output file, and the journal that makes an interrupted run resumable. Only runs that write to
// a file have one: standard output cannot be rewritten.
class Sink {
 public:
  Sink(const GenerateOptions& options, const Journal::Settings& settings) {
    const bool to_file = !options.output.empty() && options.output != "-";
    if (options.resume && !to_file) throw Error("--resume needs --output FILE");
    if (to_file) {
      const std::string path = options.output + ".journal";
      if (options.overwrite) std::filesystem::remove(path);
      std::vector<std::string> lines;
      // Resuming what was never started, or has been completed, is starting.
      journal_.emplace(options.resume && std::filesystem::exists(path)
                           ? Journal::resume(path, settings, lines)
                           : Journal::create(path, settings));
      finished_ = FinishedSamples(lines);
    }
    output_.emplace(options.output);
    // Beside a file the failures get a file of their own, made when the first one comes.
    failed_path_ = !options.failed.empty() ? options.failed
                   : to_file               ? options.output + ".failed.jsonl"
                                           : "";
    if (!failed_path_.empty()) {
      std::error_code ignored;
      std::filesystem::remove(failed_path_, ignored);
    }
  }

  std::optional<Completion> restore(const Prompt& prompt, uint32_t sample) const {
    return finished_.find(prompt, sample);
  }
  void record(const Sample& sample) {
    if (journal_) journal_->append(journal_line(sample));
  }
  void write(const std::string& text) { output_->write(text); }
  void write_failure(const std::string& line) {
    if (failed_path_.empty()) return;
    if (!failed_) failed_.emplace(failed_path_);
    failed_->write(line);
  }
  const std::string& failed_path() const { return failed_path_; }
  size_t restorable() const { return finished_.size(); }

  /// All done: the journal is needed no longer.
  void complete() {
    output_->close();
    if (failed_) failed_->close();
    if (journal_) journal_->remove();
  }
  /// Stopped early: everything finished is on disk.
  void stop() {
    output_->close();
    if (failed_) failed_->close();
    if (journal_) journal_->sync();
  }

 private:
  std::optional<Journal> journal_;
  FinishedSamples finished_;
  std::optional<OutputFile> output_;
  std::optional<OutputFile> failed_;
  std::string failed_path_;
};

int run_generate(const GenerateOptions& options) {
  const OutputFormat format = options.format.empty() ? output_format_of_path(options.output)
                                                     : output_format(options.format);
  const std::string model_name = options.run.model.empty() ? kDefaultModel : options.run.model;
  if (!options.profile.path.empty() && options.profile.path == options.output)
    throw Error::format("--profile and --output are both {}", options.output);
  Profile profile(options.dry_run ? ProfileOptions{} : options.profile, options.run.device,
                  {{"command", "generate"},
                   {"model", model_name},
                   {"constraint", options.run.constraint},
                   {"seed", std::to_string(options.run.seed)}});
  ScopedSpan loading(profile.spans(), RunPhase::kLoad);
  const auto model = load_model(find_model(model_name));
  std::string device_note;
  const std::string device = resolve_device(options.run, &device_note);
  const GenerationOptions generation = generation_options_of(options.run, *model);
  BackendOptions backend_options = backend_options_of(options.run, device, *model);
  backend_options.spans = profile.spans();
  if (options.dry_run) {
    const MemoryPlan plan = plan_memory(device, *model, backend_options);
    std::fputs(memory_plan_text(plan).c_str(), stdout);
    if (const std::string fewer = batch_note(plan, backend_options); !fewer.empty()) {
      fmt::print("{}\n", fewer);
    }
    return kExitDone;
  }

  PromptStreamOptions stream_options;
  stream_options.reader = reader_options_of(options.input);
  stream_options.limit = options.input.limit;
  stream_options.threads = options.run.threads;
  stream_options.prompt = prompt_options_of(generation, *model);
  PromptStream stream(options.input.inputs, stream_options);
  Sink sink(options, settings_of(options, *model, device, generation));
  Generator generator(model, make_backend(device, *model, backend_options), generation);
  loading.end();

  Progress progress(0, "samples", options.quiet);
  if (!options.quiet) {
    say(progress, fmt::format("{} on {}; {} ({}); constraint {}; seed {}", model->name,
                              generator.backend().description(), describe(generation.sampling),
                              options.run.sampling == "checkpoint" ? "generation_config.json"
                                                                   : options.run.sampling,
                              options.run.constraint, generation.seed));
    for (const std::string& note :
         {model->warning, sampling_note(options.run, *model), generator.warning(),
          batch_note(generator.backend().memory(), backend_options)}) {
      if (!note.empty()) say(progress, note);
    }
    if (sink.restorable() > 0)
      say(progress, fmt::format("resuming: {} samples are done", sink.restorable()));
  }

  const OutputSettings settings{.format = format,
                                .add_hydrogens = options.add_hydrogens,
                                .seed = generation.seed,
                                .audit = options.run.audit};
  size_t done = 0;
  size_t failed = 0;
  catch_interrupts();
  GenerationCallbacks callbacks;
  callbacks.next = [&] { return stream.next(); };
  callbacks.stop = [] { return interrupted(); };
  callbacks.restore = [&](const Prompt& prompt, uint32_t sample) {
    return sink.restore(prompt, sample);
  };
  size_t finished = 0;
  callbacks.finished = [&](const Sample& sample) {
    sink.record(sample);
    progress.update(++finished);
  };
  callbacks.deliver = [&](const Sample& sample) {
    Conformer conformer = read_conformer(*model, sample, profile.spans());
    const ScopedSpan writing(profile.spans(), RunPhase::kWrite);
    sink.write(written_record(sample, conformer, settings));
    if (sample.index == 0 && !options.quiet) {
      for (const std::string& note : sample.prompt->notes)
        say(progress, sample.prompt->source + ": " + note);
    }
    if (conformer.ok) {
      ++done;
    } else {
      ++failed;
      sink.write_failure(failure_line(sample, conformer));
      // A refused record is one failure, however many samples were asked for.
      if (sample.index == 0 || sample.prompt->ok()) {
        say(progress, sample.prompt->ok() ? fmt::format("{}: sample {}: {}", sample.prompt->source,
                                                        sample.index, conformer.cause)
                                          : conformer.cause);
      }
    }
  };
  const bool complete = generator.run(callbacks);
  progress.clear();

  const GenerationStatistics& statistics = generator.statistics();
  {
    const ScopedSpan writing(profile.spans(), RunPhase::kWrite);
    complete ? sink.complete() : sink.stop();
  }
  const std::string profiled = profile.finish(device);
  if (!options.quiet) {
    const auto tokens = statistics.engine.sampled_tokens + statistics.engine.forced_tokens;
    say(progress,
        fmt::format(
            "{} samples of {} molecules written, {} failed{} in {:.2f} s ({:.1f} samples/s, {:.0f} "
            "tokens/s)",
            done, statistics.prompts - statistics.refused, failed,
            failed > 0 && !sink.failed_path().empty() ? " (" + sink.failed_path() + ")" : "",
            statistics.wall_seconds, static_cast<double>(done) / statistics.wall_seconds,
            static_cast<double>(tokens) / statistics.wall_seconds));
  }
  if (!profiled.empty() && !options.quiet) say(progress, profiled);
  if (!complete) {
    say(progress, options.output.empty() || options.output == "-"
                      ? "interrupted"
                      : "interrupted; the same command with --resume completes the run");
    return kExitInterrupted;
  }
  return failed > 0 ? kExitBadInput : kExitDone;
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
