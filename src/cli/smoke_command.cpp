// molgen3d smoke: the study's test run of one checkpoint under one rule.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/profile.h"
#include "cli/smoke_options.h"
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
  std::string model_path;
  std::string alias_file;
  std::string processor = "exact";
  bool no_processor = false;
  std::string json_report;
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

int run_smoke_command(SmokeCommandOptions options) {
  SmokeOptions& smoke_options = options.smoke;
  smoke_options.run.constraint = options.no_processor ? "none" : options.processor;
  std::string name = options.model_path;
  if (name.empty() && !smoke_options.model_alias.empty()) name = resolve_alias(options);
  if (name.empty()) name = kDefaultModel;
  const bool to_file = !options.json_report.empty();
  if (options.profiled && options.profile.path.empty()) options.profile.path = kProfileOutput;
  const std::string journal_path =
      makes_a_file(options.json_report) ? options.json_report + ".journal" : "";
  if (smoke_options.resume && journal_path.empty())
    throw Error("--resume needs --json-report FILE (an ordinary file)");
  check_files(options, name, journal_path);
  Profile profile(options.profile, smoke_options.run.device,
                  {{"command", "smoke"},
                   {"model", name},
                   {"constraint", smoke_options.run.constraint},
                   {"seed", std::to_string(smoke_options.run.seed)}});
  ScopedSpan loading(profile.spans(), RunPhase::kLoad);
  const auto model = with_tokenizer(load_model(find_model(name)), smoke_options.tokenizer);
  const GenerationOptions generation = generation_options_of(smoke_options.run, *model);
  loading.end();
  ScopedSpan reading(profile.spans(), RunPhase::kRead);
  std::vector<Prompt> prompts = smoke_prompts(smoke_options, prompt_options_of(generation, *model));
  reading.end();
  catch_interrupts();
  SmokeJournal journal(journal_path);
  const std::string label = fmt::format(
      "{} {}", smoke_options.model_alias.empty() ? model->name : smoke_options.model_alias,
      smoke_options.run.constraint);
  std::vector<RunReport> reports;
  std::optional<RunReport> finished;
  if (to_file) finished = finished_report(smoke_options, *model, options.json_report);
  const bool was_complete = finished.has_value();
  if (was_complete) {
    if (!smoke_options.quiet) say(options.json_report + ": already complete");
    reports.push_back(std::move(*finished));
  } else {
    auto report = smoke(smoke_options, model, std::move(prompts), label, journal, profile.spans());
    if (!report) {
      say(journal_path.empty() ? "interrupted"
                               : "interrupted; the same command with --resume completes the run");
      return kExitInterrupted;
    }
    reports.push_back(std::move(*report));
  }
  const RunReport& report = reports.front();
  ScopedSpan reporting(profile.spans(), RunPhase::kReport);
  if (to_file && !was_complete) {
    write_file(options.json_report, run_report_json(report));
    journal.remove();
  }
  const Comparison comparison = compare_runs(reports);
  std::string text = comparison_text(comparison);
  const Table failing = failing_samples(comparison, options.failures);
  if (!failing.rows.empty()) text += table_text(failing);
  std::fputs(text.c_str(), stdout);
  reporting.end();
  const std::string profiled = profile.finish(resolve_device(smoke_options.run, nullptr));
  if (!profiled.empty() && !smoke_options.quiet) say(profiled);
  if (to_file && !was_complete && !smoke_options.quiet)
    say("report written to " + options.json_report);
  if (options.fail_fast && report.passed() < report.samples.size()) return kExitInternal;
  return report.refused.empty() ? kExitDone : kExitBadInput;
}

}  // namespace

void add_smoke_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<SmokeCommandOptions>();
  options->smoke.run.sampling = "greedy";
  CLI::App* command = app.add_subcommand(
      "smoke",
      "Generate a sample of molecules, check every answer, report (docs/study.md).\n"
      "Example: molgen3d smoke --sample-size 64 --processor-type exact --json-report exact.json");
  command
      ->add_option("--model-path,--model", options->model_path,
                   "Checkpoint directory, or the name of a shipped one")
      ->default_str(kDefaultModel);
  command->add_option("--model-alias", options->smoke.model_alias, "Name in the alias file");
  command->add_option("--model-step", options->smoke.model_step, "Step of that alias");
  command
      ->add_option("--alias-file", options->alias_file,
                   "JSON: {alias: directory} or {alias: {step: directory}}")
      ->default_str("aliases.json");
  options->alias_file = "aliases.json";
  command->add_option("--tokenizer-name", options->smoke.tokenizer,
                      "Another tokenizer: tokenizer.json, directory, or shipped name");
  command
      ->add_option("--processor-type", options->processor,
                   "exact, or a rule of the study: generic, qwen, qwen-v4.0, allowlist")
      ->capture_default_str()
      ->check(CLI::IsMember({"exact", "generic", "qwen", "qwen-v4.0", "allowlist", "none"}));
  command->add_flag("--no-logit-processor", options->no_processor, "Free decoding");
  command->add_option("--descriptors", options->smoke.run.descriptors,
                      "Atom text of the rule: verbatim, hcount or study [default: the rule's own]");
  command->add_option("--json-report", options->json_report, "Write the full report to this file");
  command->add_flag("--profile", options->profiled,
                    "Record where the time goes, in --profile-output");
  command->add_option("--profile-output", options->profile.path,
                      fmt::format("Chrome trace of the run, .gz to compress [default with "
                                  "--profile: {}]",
                                  kProfileOutput));
  add_profile_options(*command, options->profile, false);
  command->add_flag("--fail-fast", options->fail_fast, "Exit code 1 when a sample fails");
  command->add_option("--sample-failures", options->failures, "Failing samples to print")
      ->capture_default_str();
  command->add_flag(
      "--audit", options->smoke.run.audit,
      "Measure the probability that the rule takes away (full output matrix: slower)");
  add_smoke_options(*command, options->smoke);
  command->callback([options, &exit_code] { exit_code = run_smoke_command(*options); });
}

}  // namespace molgen3d
