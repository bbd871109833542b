// molgen3d study: the same molecules under every rule, side by side.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/profile.h"
#include "cli/report_files.h"
#include "cli/smoke_options.h"
#include "generation/sampling_presets.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

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

// "allowlist" or "allowlist:verbatim": a rule, and the descriptors it forces.
struct RuleChoice {
  std::string name, rule;
  std::optional<std::string> descriptors;
};

RuleChoice rule_choice(const std::string& name) {
  const size_t colon = name.find(':');
  RuleChoice out{name, name.substr(0, colon), std::nullopt};
  constraint_rule(out.rule);
  if (colon != std::string::npos) {
    out.descriptors = name.substr(colon + 1);
    descriptor_style(*out.descriptors);
  }
  return out;
}

// A run that an earlier study finished may stand in this one only if it would come out the same.
void require_same_settings(const fs::path& file, const RunMetadata& found, size_t refused,
                           const SmokeOptions& options, const Model& model) {
  const auto require = [&](const char* name, const std::string& was, const std::string& is) {
    if (was == is) return;
    throw Error::format("{}: was made with {} {}, not {}; use --overwrite, or another --output",
                        file.string(), name, was, is);
  };
  const GenerationOptions wanted = generation_options_of(options.run, model);
  require("seed", std::to_string(found.seed), std::to_string(options.run.seed));
  require("sampling", found.sampling_description, describe(wanted.sampling));
  require("dtype", found.dtype, options.run.dtype);
  require("generations", std::to_string(found.num_generations), std::to_string(options.samples));
  require("max_new_tokens", std::to_string(found.max_new_tokens),
          std::to_string(options.run.max_new_tokens));
  require("dataset", found.dataset, dataset_name(options));
  if (options.sample_size != 0)
    require("sample size", std::to_string(found.sample_size + refused),
            std::to_string(options.sample_size));
}

std::string file_name(std::string label) {
  std::replace_if(
      label.begin(), label.end(),
      [](char c) { return !(std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-'); },
      '_');
  return label;
}

// The removed mass needs the whole output matrix for every token, which would spoil the times: it
// is measured on the first molecules in a run of its own, with the same noise, so the same answers.
bool audit(const SmokeOptions& timed, const std::shared_ptr<const Model>& model,
           const std::vector<Prompt>& prompts, size_t size, const std::string& label,
           RunReport& report) {
  SmokeOptions options = timed;
  options.run.audit = true;
  options.warm_up = false;
  const auto count = static_cast<std::ptrdiff_t>(std::min(size, prompts.size()));
  const auto audited =
      smoke(options, model, {prompts.begin(), prompts.begin() + count}, label + " (audit)", {});
  if (!audited) return false;
  report.removed = audited->removed;
  return true;
}

int run_study(const StudyOptions& options) {
  std::vector<RuleChoice> rules;
  for (const std::string& name : options.rules) rules.push_back(rule_choice(name));
  fs::create_directories(options.output);
  catch_interrupts();
  std::vector<RunReport> reports;
  bool refused = false;
  for (const std::string& name : options.models) {
    const auto model = load_model(find_model(name));
    for (const RuleChoice& rule : rules) {
      SmokeOptions smoke_options = options.smoke;
      smoke_options.run.constraint = rule.rule;
      smoke_options.run.descriptors = rule.descriptors;
      const std::string label =
          options.models.size() == 1 ? rule.name : fmt::format("{} {}", model->name, rule.name);
      const fs::path file =
          fs::path(options.output) / (file_name(model->name + "_" + rule.name) + ".json");
      if (options.smoke.resume && fs::exists(file)) {
        reports.push_back(read_run_report(file));
        require_same_settings(file, reports.back().metadata, reports.back().refused.size(),
                              smoke_options, *model);
        continue;
      }
      const GenerationOptions generation = generation_options_of(smoke_options.run, *model);
      const std::vector<Prompt> prompts =
          smoke_prompts(smoke_options, prompt_options_of(generation, *model));
      const std::string journal = file.string() + ".journal";
      ProfileOptions profile_options = options.profile;
      if (options.profiled)
        profile_options.path = fs::path(file).replace_extension(".trace.json.gz").string();
      Profile profile(profile_options, smoke_options.run.device,
                      {{"command", "study"}, {"run", label}});
      auto report = smoke(smoke_options, model, prompts, label, journal, profile.spans());
      const std::string profiled = profile.finish(resolve_device(smoke_options.run, nullptr));
      if (!profiled.empty() && !options.smoke.quiet)
        std::fprintf(stderr, "molgen3d: %s\n", profiled.c_str());
      if (!report || (options.audit_size > 0 &&
                      !audit(smoke_options, model, prompts, options.audit_size, label, *report))) {
        std::fprintf(stderr,
                     "molgen3d: interrupted; the same command with --resume completes the study\n");
        return kExitInterrupted;
      }
      refused |= !report->refused.empty();
      OutputFile out(file.string());
      out.write(run_report_json(*report));
      out.close();
      fs::remove(journal);
      reports.push_back(std::move(*report));
    }
  }
  const Comparison comparison = compare_runs(reports);
  for (const char* ending : {"txt", "md", "json", "html"}) {
    const fs::path path = fs::path(options.output) / fmt::format("report.{}", ending);
    OutputFile out(path.string());
    out.write(formatted_report(comparison, report_format_of(path.string()),
                               "molgen3d study: constrained decoding compared", 5));
    out.close();
  }
  std::fputs(comparison_text(comparison).c_str(), stdout);
  if (!options.smoke.quiet) {
    std::fprintf(stderr, "molgen3d: runs and report.{txt,md,json,html} are in %s\n",
                 options.output.c_str());
  }
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
                   "Rules, with :verbatim, :hcount or :study for the atom text that they force")
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
  add_smoke_options(*command, options->smoke);
  command->callback([options, &exit_code] { exit_code = run_study(*options); });
}

}  // namespace molgen3d
