// molgen3d diagnose: where a rule and a model disagree, token by token.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "analysis/diagnosis.h"
#include "base/error.h"
#include "base/plain_text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/smoke_options.h"
#include "files/file_roles.h"
#include "files/output_file.h"
#include "generation/conformer.h"
#include "report/diagnosis_tables.h"

namespace molgen3d {

namespace {

struct DiagnoseOptions {
  SmokeOptions smoke;
  std::string model = kDefaultModel;
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

int run_diagnose(DiagnoseOptions options) {
  if (options.smoke.resume) throw Error("diagnose keeps no journal: --resume means nothing here");
  FileRoles roles;
  roles.reads(options.smoke.dataset);
  roles.reads(find_model(options.model).string());
  roles.writes(options.tokens_file, "--tokens");
  roles.check();
  options.smoke.run.audit = true;
  options.smoke.warm_up = false;
  const auto model = load_model(find_model(options.model));
  const GenerationOptions generation = generation_options_of(options.smoke.run, *model);
  std::vector<Prompt> prompts = smoke_prompts(options.smoke, prompt_options_of(generation, *model));
  catch_interrupts();
  Diagnoser diagnoser(*model->tokenizer);
  std::optional<OutputFile> file;
  if (!options.tokens_file.empty()) file.emplace(options.tokens_file);
  const auto take = [&](const Sample& sample) {
    const std::string answer = answer_text(*model, sample.completion);
    const SampleCheck check = check_sample(*model, sample, answer);
    diagnoser.add(sample.completion, check);
    if (!file) return;
    for (size_t i = 0; i < std::min(sample.completion.audit.size(), check.places.size()); ++i) {
      file->write(json_without_controls(
                      token_line(*model, sample, check.places, i)
                          .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) +
                  "\n");
    }
  };
  const std::string label = fmt::format("{} {}", model->name, options.smoke.run.constraint);
  SmokeJournal none("");
  const auto report = smoke(options.smoke, model, std::move(prompts), label, none, nullptr, take);
  if (!report) return kExitInterrupted;
  if (file) file->close();
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
  command
      ->add_option("--model", options->model, "Checkpoint directory, or the name of a shipped one")
      ->capture_default_str();
  command
      ->add_option("--constraint,--processor-type", options->smoke.run.constraint,
                   "exact, none, or a rule of the study: generic, qwen, qwen-v4.0, allowlist")
      ->capture_default_str();
  command->add_option("--descriptors", options->smoke.run.descriptors,
                      "Atom text of the rule: verbatim, hcount or study [default: the rule's own]");
  command->add_option("--tokens", options->tokens_file,
                      "Also write every token as one JSON line to this file");
  command->add_option("--pairs", options->pairs, "Rows in the table of imposed tokens")
      ->capture_default_str();
  add_smoke_options(*command, options->smoke);
  command->callback([options, &exit_code] { exit_code = run_diagnose(*options); });
}

}  // namespace molgen3d
