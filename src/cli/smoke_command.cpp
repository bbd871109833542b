// molgen3d smoke: the study's test run of one checkpoint under one rule.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/profile.h"
#include "cli/smoke_molecules.h"
#include "cli/smoke_session.h"
#include "cli/submit_arguments.h"
#include "cli/submit_session.h"
#include "files/file_roles.h"
#include "files/output_file.h"
#include "study/comparison.h"

namespace molgen3d {

namespace {

constexpr const char* kProfileOutput = "smoke_profile.json.gz";

struct SmokeCommandOptions {
  SmokeOptions smoke;
  ProfileOptions profile;
  bool profiled = false;  ///< --profile was given, with or without a name
  std::string alias_file = "aliases.json";
  bool no_processor = false;
  std::string json_report;
  std::string submit = "local";  ///< profile to run it by; local: here and now
  bool dry_run = false;
  bool fail_fast = false;
  size_t failures = 5;
};

// {"alias": "directory"} or {"alias": {"step": "directory"}}; directories relative to the file.
std::string resolve_alias(const SmokeCommandOptions& options) {
  const std::string& alias = options.smoke.model_alias;
  const std::string& step = options.smoke.model_step;
  std::ifstream file(options.alias_file);
  if (!file) throw Error::format("--alias-file {}: cannot be opened", options.alias_file);
  try {
    const auto aliases = nlohmann::json::parse(file);
    const auto found = aliases.find(alias);
    if (found == aliases.end())
      throw Error::format("{}: no alias {}", options.alias_file, in_quotes(alias));
    std::string path;
    if (found->is_string()) {
      path = found->get<std::string>();
    } else if (const auto entry = found->find(step); entry != found->end()) {
      path = entry->get<std::string>();
    } else {
      throw Error::format("{}: alias {} has no step {}", options.alias_file, in_quotes(alias),
                          in_quotes(step));
    }
    const std::filesystem::path relative =
        std::filesystem::path(options.alias_file).parent_path() / path;
    return std::filesystem::is_directory(relative) ? relative.string() : path;
  } catch (const nlohmann::json::exception& error) {
    throw Error::format("{}: {}", options.alias_file, error.what());
  }
}

std::string checkpoint_name(const SmokeCommandOptions& options) {
  const SmokeOptions& smoke = options.smoke;
  return smoke.run.model.empty() && !smoke.model_alias.empty() ? resolve_alias(options)
                                                               : smoke.run.model_name();
}

void check_files(const SmokeCommandOptions& options, const std::string& model,
                 const std::string& journal) {
  FileRoles roles;
  roles.reads(options.smoke.dataset);
  roles.reads(options.alias_file);
  roles.reads(options.smoke.tokenizer);
  roles.reads(find_model(model).string());
  roles.writes(options.json_report, "--json-report");
  roles.writes(journal, "journal");
  roles.writes(options.profile.path, "--profile-output");
  roles.check();
}

// The run, and its report under its name. Nothing when interrupted.
std::optional<RunReport> make_run(const SmokeCommandOptions& options, RunPlan plan,
                                  Profile& profile) {
  ScopedSpan reading(profile.spans(), RunPhase::kRead);
  std::vector<Prompt> prompts = smoke_prompts(options.smoke, plan.prompts);
  reading.end();
  const std::string& alias = options.smoke.model_alias;
  const std::string label =
      fmt::format("{} {}", alias.empty() ? plan.model->name : alias, plan.settings.constraint);
  SmokeJob job = smoke_job(options.smoke, std::move(plan), label);
  job.prompts = std::move(prompts);
  job.publish = [&](const RunReport& report) {
    const ScopedSpan reporting(profile.spans(), RunPhase::kReport);
    if (!options.json_report.empty()) write_file(options.json_report, run_report_json(report));
    return true;
  };
  return smoke(options.smoke, std::move(job));
}

void print_reports(const std::vector<RunReport>& reports, size_t failures) {
  const Comparison comparison = compare_runs(reports);
  std::string text = comparison_text(comparison);
  const Table failing = failing_samples(comparison, failures);
  if (!failing.rows.empty()) text += table_text(failing);
  std::fputs(text.c_str(), stdout);
}

int run_smoke_command(SmokeCommandOptions options) {
  SmokeOptions& smoke_options = options.smoke;
  if (options.no_processor) smoke_options.run.constraint = "none";
  const std::string name = checkpoint_name(options);
  const bool to_file = !options.json_report.empty();
  if (options.profiled && options.profile.path.empty()) options.profile.path = kProfileOutput;
  const std::string journal =
      makes_a_file(options.json_report) ? options.json_report + ".journal" : "";
  if (smoke_options.resume.resume && journal.empty())
    throw Error("--resume needs --json-report FILE (an ordinary file)");
  check_files(options, name, journal);
  Profile profile(options.profile, smoke_options.run.device,
                  {{"command", "smoke"},
                   {"model", name},
                   {"constraint", smoke_options.run.constraint},
                   {"seed", std::to_string(smoke_options.run.seed)}});
  ScopedSpan loading(profile.spans(), RunPhase::kLoad);
  RunPlan plan(with_tokenizer(load_model(find_model(name)), smoke_options.tokenizer),
               smoke_options.run);
  const std::string device = plan.device();
  plan.backend.spans = profile.spans();
  std::optional<RunReport> report;
  if (to_file) {
    plan.journal = {journal, smoke_options.resume.start(), smoke_identity(smoke_options, plan)};
    report = finished_report(smoke_options, plan.journal.identity, options.json_report);
  }
  loading.end();
  catch_interrupts();
  const bool was_complete = report.has_value();
  if (!report) report = make_run(options, std::move(plan), profile);
  if (!report) {
    say(journal.empty() ? "interrupted"
                        : "interrupted; the same command with --resume completes the run");
    return kExitInterrupted;
  }
  if (was_complete && !smoke_options.quiet) say(options.json_report + ": already complete");
  std::vector<RunReport> reports;
  reports.push_back(std::move(*report));
  {
    const ScopedSpan reporting(profile.spans(), RunPhase::kReport);
    print_reports(reports, options.failures);
  }
  const std::string profiled = profile.finish(device);
  if (!profiled.empty() && !smoke_options.quiet) say(profiled);
  if (to_file && !was_complete && !smoke_options.quiet)
    say("report written to " + options.json_report);
  const RunReport& made = reports.front();
  if (options.fail_fast && made.passed() < made.samples.size()) return kExitInternal;
  return made.refused.empty() ? kExitDone : kExitBadInput;
}

}  // namespace

void add_smoke_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<SmokeCommandOptions>();
  options->smoke.run.sampling = "greedy";
  CLI::App* command = app.add_subcommand(
      "smoke",
      "Generate a sample of molecules, check every answer, report (docs/study.md).\n"
      "Example: molgen3d smoke --sample-size 64 --processor-type exact --json-report exact.json");
  add_model_option(*command, options->smoke.run, {.study_names = true});
  command->add_option("--model-alias", options->smoke.model_alias, "Name in the alias file");
  command->add_option("--model-step", options->smoke.model_step, "Step of that alias");
  command
      ->add_option("--alias-file", options->alias_file,
                   "JSON: {alias: directory} or {alias: {step: directory}}")
      ->capture_default_str();
  command->add_option("--tokenizer-name", options->smoke.tokenizer,
                      "Another tokenizer: tokenizer.json, directory, or shipped name");
  command->add_flag("--no-logit-processor", options->no_processor, "Free decoding");
  command->add_option("--json-report", options->json_report, "Write the full report to this file");
  command->add_flag("--profile", options->profiled,
                    "Record where the time goes, in --profile-output");
  command->add_option("--profile-output", options->profile.path,
                      fmt::format("Chrome trace of the run, .gz to compress [default with "
                                  "--profile: {}]",
                                  kProfileOutput));
  add_profile_options(*command, options->profile, false);
  command
      ->add_option("--submit", options->submit,
                   "Run it as a job: local, h100, a100 or a profile of your own "
                   "(docs/clusters.md)")
      ->capture_default_str();
  command->add_flag("--dry-run", options->dry_run,
                    "With --submit: print what would be submitted, and the script");
  command->add_flag("--fail-fast", options->fail_fast, "Exit code 1 when a sample fails");
  command->add_option("--sample-failures", options->failures, "Failing samples to print")
      ->capture_default_str();
  add_smoke_options(*command, options->smoke);
  command->callback([options, &exit_code] {
    if (options->submit == "local" && !options->dry_run) {
      exit_code = run_smoke_command(*options);
      return;
    }
    std::vector<std::string> words = without_option(all_arguments(), "--submit");
    std::erase(words, "--dry-run");
    SubmitOptions submit;
    submit.profile = options->submit;
    submit.dry_run = options->dry_run;
    exit_code = submit_command(submit, words);
  });
}

}  // namespace molgen3d
