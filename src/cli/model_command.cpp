// molgen3d model: what a checkpoint directory is, what it needs, and everything wrong with it.
#include <CLI/CLI.hpp>

#include <cstdio>

#include "base/error.h"
#include "checkpoint/model_report.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/run_options.h"

namespace molgen3d {

namespace {

struct ModelCommandOptions {
  std::string directory = kDefaultModel;
  RunOptions run;
  bool json = false;
};

int run_model(const ModelCommandOptions& options) {
  const auto directory = find_model(options.directory);
  ModelReport report = describe_checkpoint(directory);
  std::string plan_text;
  if (report.problems.empty()) {
    try {
      const auto model = load_model(directory);
      if (std::string warning = model->templates->fallback_warning(); !warning.empty()) {
        report.notes.push_back(std::move(warning));
      }
      for (const std::string& device : resolve_devices(options.run)) {
        plan_text += "memory on " + device + "\n" +
                     memory_plan_text(plan_memory(device, *model,
                                                  backend_options_of(options.run, device, *model)));
      }
    } catch (const Error& error) {
      report.problems.emplace_back(error.what());
    }
  }
  std::fputs((options.json ? to_json(report) + "\n" : to_text(report) + plan_text).c_str(), stdout);
  return report.problems.empty() ? kExitDone : kExitBadInput;
}

}  // namespace

void add_model_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ModelCommandOptions>();
  CLI::App* command = app.add_subcommand("model",
                                         "Describe a checkpoint directory and list every problem.\n"
                                         "Example: molgen3d model models/qwen3-conformer");
  command
      ->add_option("directory", options->directory,
                   "Checkpoint directory, or the name of a shipped one")
      ->capture_default_str();
  command->add_flag("--json", options->json, "For machines");
  command
      ->add_option("--device", options->run.device,
                   "Devices of the memory plan: auto, cpu, cuda, cuda:all, cuda:0,2")
      ->capture_default_str();
  command->add_option("--batch", options->run.batch, "Sequences at once of the memory plan");
  command->callback([options, &exit_code] { exit_code = run_model(*options); });
}

}  // namespace molgen3d
