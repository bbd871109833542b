// molgen3d diagnose: where a rule and a model disagree, token by token.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/plain_text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/smoke_molecules.h"
#include "cli/smoke_session.h"
#include "files/file_roles.h"
#include "files/output_file.h"
#include "generation/conformer.h"
#include "study/diagnosis.h"
#include "study/diagnosis_tables.h"

namespace molgen3d {

namespace {

struct DiagnoseOptions {
  SmokeOptions smoke;
  std::string tokens_file;
  size_t pairs = 20;
};

nlohmann::ordered_json token_line(const Model& model, const Sample& sample,
                                  const std::vector<PlacedToken>& places, size_t i) {
  const auto& token = sample.completion.audit[i];
  const auto bytes = [&](TokenId id) { return std::string(model.tokenizer->token_bytes(id)); };
  return {{"molecule", sample.prompt->text_template.smiles},
          {"sample", sample.index},
          {"position", i},
          {"block", places[i].block},
          {"role", token_role_name(places[i].role)},
          {"token", bytes(sample.completion.tokens[i])},
          {"ln_p", token.raw_log_probability},
          {"favourite", bytes(token.favourite)},
          {"ln_p_favourite", token.favourite_log_probability},
          {"Z", token.kept_mass}};
}

void write_tokens(const Model& model, const Sample& sample, const SampleCheck& check,
                  OutputFile& file) {
  const size_t count = std::min(sample.completion.audit.size(), check.places.size());
  for (size_t i = 0; i < count; ++i) {
    file.write(
        json_without_controls(token_line(model, sample, check.places, i)
                                  .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) +
        "\n");
  }
}

int run_diagnose(DiagnoseOptions options) {
  if (options.smoke.resume.resume)
    throw Error("diagnose keeps no journal: --resume means nothing here");
  const auto directory = find_model(options.smoke.run.model_name());
  FileRoles roles;
  roles.reads(options.smoke.dataset);
  roles.reads(directory.string());
  roles.writes(options.tokens_file, "--tokens");
  roles.check();
  options.smoke.run.audit = true;
  RunPlan plan(load_model(directory), options.smoke.run);
  const std::shared_ptr<const Model> model = plan.model;
  SmokeJob job = smoke_job(options.smoke, std::move(plan),
                           fmt::format("{} {}", model->name, options.smoke.run.constraint));
  job.prompts = smoke_prompts(options.smoke, job.plan.prompts);
  job.warm_up = false;
  catch_interrupts();
  Diagnoser diagnoser(*model->tokenizer);
  std::optional<OutputFile> file;
  job.begin = [&](const Run&) {
    if (!options.tokens_file.empty()) file.emplace(options.tokens_file);
  };
  job.deliver = [&](const Sample& sample) {
    const std::string answer = answer_text(*model, sample.completion);
    const SampleCheck check = check_sample(*model, sample, answer);
    diagnoser.add(sample.completion, check);
    if (file) write_tokens(*model, sample, check, *file);
  };
  job.publish = [&](const RunReport&) {
    if (file) file->close();
    return true;
  };
  const auto report = smoke(options.smoke, std::move(job));
  if (!report) return kExitInterrupted;
  for (const Table& table : diagnosis_tables(diagnoser.take(options.pairs)))
    std::fputs((table_text(table) + "\n").c_str(), stdout);
  return report->refused.empty() ? kExitDone : kExitBadInput;
}

}  // namespace

void add_diagnose_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<DiagnoseOptions>();
  options->smoke.run.sampling = "top_p_sampling1";
  options->smoke.sample_size = 32;
  CLI::App* command = app.add_subcommand(
      "diagnose",
      "Show where a rule and a model disagree: forced tokens against favourites, removed\n"
      "probability, and whether it goes with wrong bonds (docs/study.md).\n"
      "Example: molgen3d diagnose --constraint allowlist --sample-size 16");
  add_model_option(*command, options->smoke.run, {.study_names = true});
  command->add_option("--tokens", options->tokens_file,
                      "Also write every token as one JSON line to this file");
  command->add_option("--pairs", options->pairs, "Rows in the table of imposed tokens")
      ->capture_default_str();
  add_smoke_options(*command, options->smoke, {.audit = false});  // it always audits
  command->callback([options, &exit_code] { exit_code = run_diagnose(*options); });
}

}  // namespace molgen3d
