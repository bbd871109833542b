// molgen3d study: the same molecules under every rule, side by side.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/profile.h"
#include "cli/report_files.h"
#include "cli/smoke_molecules.h"
#include "cli/smoke_session.h"
#include "files/file_roles.h"
#include "files/output_file.h"
#include "generation/run_identity.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

constexpr const char* kReportName = "report";
constexpr const char* kReportEndings[] = {".txt", ".md", ".json", ".html"};

struct StudyOptions {
  SmokeOptions smoke;
  std::vector<std::string> models;
  std::vector<std::string> rules = {"none", "generic", "qwen", "allowlist", "allowlist:verbatim",
                                    "exact"};
  std::string output = "study";
  ProfileOptions profile;
  bool profiled = false;
  size_t audit_size = 16;
};

// "allowlist" or "allowlist:verbatim": a rule, and the descriptors it forces; "exact+geometry" is
// the exact rule with the full hard set.
struct RuleChoice {
  std::string name, rule;
  std::optional<std::string> descriptors;
  std::string geometry = "off";
};

RuleChoice rule_choice(const std::string& name) {
  const size_t colon = name.find(':');
  RuleChoice out{name, name.substr(0, colon), std::nullopt};
  if (out.rule == "exact+geometry") {
    out.rule = "exact";
    out.geometry = "full";
  }
  constraint_rule(out.rule);
  if (colon != std::string::npos) {
    out.descriptors = name.substr(colon + 1);
    descriptor_style(*out.descriptors);
  }
  return out;
}

std::string file_name(std::string label) {
  std::replace_if(
      label.begin(), label.end(),
      [](char c) { return !(std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-'); },
      '_');
  return label;
}

struct StudyRun {
  RunPlan plan;
  std::string label;
  fs::path file;
};

StudyRun study_run(const StudyOptions& options, const std::shared_ptr<const Model>& model,
                   const RuleChoice& rule) {
  RunOptions settings = options.smoke.run;
  settings.constraint = rule.rule;
  settings.descriptors = rule.descriptors;
  settings.geometry = rule.geometry;
  StudyRun run{
      .plan = RunPlan(model, settings),
      .label =
          options.models.size() == 1 ? rule.name : fmt::format("{} {}", model->name, rule.name),
      .file = fs::path(options.output) / (file_name(model->name + "_" + rule.name) + ".json")};
  run.plan.journal = {run.file.string() + ".journal", options.smoke.resume.start(),
                      joined(smoke_identity(options.smoke, run.plan),
                             {{"audit_size", std::to_string(options.audit_size)}})};
  return run;
}

// The removed mass needs the whole output matrix for every token, which would spoil the times: it
// is measured on the first molecules in a run of its own, with the same noise, so the same answers.
// False when interrupted.
bool audit(const StudyOptions& options, const StudyRun& run, std::vector<Prompt> prompts,
           RunReport& report) {
  if (options.audit_size == 0) return true;
  RunSettings settings = run.plan.settings;
  settings.audit = true;
  SmokeJob job =
      smoke_job(options.smoke, RunPlan(run.plan.model, settings), run.label + " (audit)");
  job.prompts = std::move(prompts);
  job.warm_up = false;
  const auto audited = smoke(options.smoke, std::move(job));
  if (!audited) return false;
  report.removed = audited->removed;
  return true;
}

// Nothing when interrupted.
std::optional<RunReport> make_run(const StudyOptions& options, const StudyRun& run) {
  SmokeJob job = smoke_job(options.smoke, run.plan, run.label);
  job.prompts = smoke_prompts(options.smoke, run.plan.prompts);
  const auto count = static_cast<std::ptrdiff_t>(std::min(options.audit_size, job.prompts.size()));
  const std::vector<Prompt> audited(job.prompts.begin(), job.prompts.begin() + count);
  ProfileOptions profile_options = options.profile;
  if (options.profiled)
    profile_options.path = fs::path(run.file).replace_extension(".trace.json.gz").string();
  Profile profile(profile_options, run.plan.settings.device,
                  {{"command", "study"}, {"run", run.label}});
  job.plan.backend.spans = profile.spans();
  bool recording = true;
  const auto end_profile = [&] {
    if (!std::exchange(recording, false)) return;
    const std::string profiled = profile.finish(run.plan.device());
    if (!profiled.empty() && !options.smoke.quiet) say(profiled);
  };
  job.publish = [&](RunReport& report) {
    end_profile();
    if (!audit(options, run, audited, report)) return false;
    write_file(run.file.string(), run_report_json(report));
    return true;
  };
  std::optional<RunReport> report = smoke(options.smoke, std::move(job));
  end_profile();
  return report;
}

// Once the settings are known to be usable.
void make_folder(const StudyOptions& options) {
  fs::create_directories(options.output);
  FileRoles roles;
  roles.reads(options.smoke.dataset);
  for (const std::string& name : options.models) roles.reads(find_model(name).string());
  for (const char* ending : kReportEndings)
    roles.writes((fs::path(options.output) / (kReportName + std::string(ending))).string(),
                 "report");
  roles.check();
}

int run_study(const StudyOptions& options) {
  std::vector<RuleChoice> rules;
  for (const std::string& name : options.rules) rules.push_back(rule_choice(name));
  catch_interrupts();
  std::vector<RunReport> reports;
  bool refused = false;
  for (const std::string& name : options.models) {
    const auto model = load_model(find_model(name));
    for (const RuleChoice& rule : rules) {
      const StudyRun run = study_run(options, model, rule);
      if (reports.empty()) make_folder(options);
      std::optional<RunReport> report =
          finished_report(options.smoke, run.plan.journal.identity, run.file);
      if (!report) report = make_run(options, run);
      if (!report) {
        say("interrupted; the same command with --resume completes the study");
        return kExitInterrupted;
      }
      refused |= !report->refused.empty();
      reports.push_back(std::move(*report));
    }
  }
  const Comparison comparison = compare_runs(reports);
  for (const char* ending : kReportEndings) {
    const std::string path =
        (fs::path(options.output) / (kReportName + std::string(ending))).string();
    write_file(path, formatted_report(comparison, report_format_of(path),
                                      "molgen3d study: constrained decoding compared", 5));
  }
  std::fputs(comparison_text(comparison).c_str(), stdout);
  if (!options.smoke.quiet) say("runs and report.{txt,md,json,html} are in " + options.output);
  return refused ? kExitBadInput : kExitDone;
}

}  // namespace

void add_study_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<StudyOptions>();
  // The law that a model was trained on: presets that cut it off hide what a rule does to it.
  options->smoke.run.sampling = "top_p_sampling1";
  options->smoke.sample_size = 256;
  options->models = {kDefaultModel};
  CLI::App* command = app.add_subcommand(
      "study",
      "Run the same molecules under every constraint rule and compare (docs/study.md).\n"
      "Example: molgen3d study --model qwen3-conformer llama-conformer-undertrained -o study");
  command->add_option("--model", options->models, "Checkpoint directories or shipped names")
      ->capture_default_str();
  command
      ->add_option("--rules", options->rules,
                   "Rules, with :verbatim, :hcount or :study for the atom text that they force; "
                   "exact+geometry: the full hard set in space too")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "Folder for runs and reports")
      ->capture_default_str();
  command
      ->add_option("--audit-size", options->audit_size,
                   "Molecules on which removed probability is measured, outside the clock; 0: none")
      ->capture_default_str();
  command->add_flag("--profile", options->profiled,
                    "Record each run beside its report (RUN.trace.json.gz; times include it)");
  add_profile_options(*command, options->profile, false);
  // Each rule brings its own atom text and audit.
  add_smoke_options(*command, options->smoke, {.rule = false, .audit = false});
  command->callback([options, &exit_code] { exit_code = run_study(*options); });
}

}  // namespace molgen3d
