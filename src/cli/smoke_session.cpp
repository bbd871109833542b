#include "cli/smoke_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cli/smoke_molecules.h"
#include "generation/run_identity.h"
#include "generation/sampling_presets.h"

namespace molgen3d {

namespace {

std::string host_description() {
  return fmt::format("{} cores", sysconf(_SC_NPROCESSORS_ONLN));
}

size_t usable(const std::vector<Prompt>& prompts) {
  return static_cast<size_t>(
      std::count_if(prompts.begin(), prompts.end(), [](const Prompt& p) { return p.ok(); }));
}

std::vector<std::string> refusals_of(const std::vector<Prompt>& prompts) {
  std::vector<std::string> out;
  for (const Prompt& prompt : prompts) {
    if (!prompt.ok()) out.push_back(prompt.refusal);
  }
  return out;
}

void say_beginning(const Run& run, const std::string& label, size_t molecules,
                   const std::vector<std::string>& refusals) {
  for (const std::string& note : run.notes()) say(note);
  const GenerationOptions& generation = run.plan().generation;
  say(fmt::format("{}: {} molecules x {}, {}, seed {}", label, molecules, generation.samples,
                  describe(generation.sampling), generation.seed));
  FailureLines lines{FailureLimits()};
  for (const std::string& refusal : refusals) lines.add(refusal);
  lines.finish();
  if (run.restorable() > 0) say(fmt::format("resuming: {} samples are done", run.restorable()));
}

}  // namespace

RunIdentity smoke_identity(const SmokeOptions& options, const RunPlan& plan) {
  return joined(run_identity(plan), dataset_identity(dataset_name(options), options.dataset,
                                                     options.smiles_column, options.sample_size));
}

std::optional<RunReport> finished_report(const SmokeOptions& options, const RunIdentity& identity,
                                         const std::filesystem::path& file) {
  if (!options.resume.finished_run(file, file.string() + ".journal")) return std::nullopt;
  RunReport report = read_run_report(file);
  if (report.metadata.identity.empty()) {
    throw Error::format(
        "{}: does not say what it was made with; use --overwrite, or another --output",
        file.string());
  }
  require_same_identity(report.metadata.identity, identity, file.string());
  return report;
}

SmokeJob smoke_job(const SmokeOptions& options, RunPlan plan, const std::string& label) {
  SmokeJob job(std::move(plan));
  job.metadata.label = label;
  job.metadata.model_alias = options.model_alias;
  job.metadata.model_step = options.model_step;
  job.metadata.tokenizer_name =
      options.tokenizer.empty() ? job.plan.model->name : options.tokenizer;
  job.metadata.dataset = dataset_name(options);
  job.metadata.host = host_description();
  return job;
}

std::optional<RunReport> smoke(const SmokeOptions& options, SmokeJob job) {
  const std::string label = job.metadata.label;
  const size_t molecules = usable(job.prompts);
  std::optional<Progress> progress;
  size_t restored = 0;
  job.begin = [&, begin = std::move(job.begin),
               refusals = refusals_of(job.prompts)](const Run& run) {
    if (begin) begin(run);
    restored = run.restorable();
    const RunPlan& plan = run.plan();
    if (run.damaged() > 0) {
      say(fmt::format("{}: {} damaged lines; their samples are made again", plan.journal.path,
                      run.damaged()));
    }
    progress.emplace(molecules * plan.generation.samples, "samples", options.quiet);
    if (!options.quiet) say_beginning(run, label, molecules, refusals);
  };
  job.publish = [&, publish = std::move(job.publish)](RunReport& report) {
    progress->clear();
    return !publish || publish(report);
  };
  return run_smoke(std::move(job),
                   {.progress = [&](size_t done) { progress->update(done + restored, label); },
                    .stop = [](size_t) { return interrupted(); },
                    .note =
                        [&](const std::string& line) {
                          progress->clear();
                          say(line);
                        }});
}

}  // namespace molgen3d
