// molgen3d dataset info, molgen3d dataset verify.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/plain_text.h"
#include "cli/dataset_command.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "dataset/exclusion.h"
#include "dataset/folder_writer.h"
#include "dataset/inspection.h"
#include "dataset/tasks.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

struct InfoOptions {
  std::string path;
  bool json = false;
};

Json json_of(const FileSummary& file) {
  Json force_fields;
  for (size_t i = 0; i < 4; ++i) {
    if (file.molecules_by_force_field[i] > 0) {
      force_fields[force_field_name(static_cast<ForceFieldKind>(i))] =
          file.molecules_by_force_field[i];
    }
  }
  return {{"file", file.path.string()},
          {"bytes", file.bytes},
          {"molecules", file.molecules},
          {"conformers", file.conformers},
          {"conformers_per_molecule", {file.min_conformers, file.max_conformers}},
          {"heavy_atoms", {file.min_atoms, file.max_atoms}},
          {"coordinates", 3 * file.positions},
          {"molecules_by_force_field", force_fields},
          {"problems", file.problems}};
}

int run_info(const InfoOptions& options) {
  Json files = Json::array();
  size_t problems = 0;
  std::string text;
  for (const auto& path : dataset_files(options.path)) {
    const FileSummary file = inspect_file(path);
    problems += file.problems.size();
    files.push_back(json_of(file));
    text += fmt::format(
        "{:<28} {:>10} molecules {:>11} conformers {:>8.1f} MiB, {} to {} heavy atoms, "
        "{} to {} conformers each: {}\n",
        path.filename().string(), file.molecules, file.conformers,
        static_cast<double>(file.bytes) / 1048576.0, file.min_atoms, file.max_atoms,
        file.min_conformers, file.max_conformers, file.problems.empty() ? "whole" : "NOT WHOLE");
    for (const std::string& problem : file.problems) {
      say(problem);
    }
  }
  const std::filesystem::path description = std::filesystem::path(options.path) / kDescriptionFile;
  Json made;
  if (std::filesystem::is_directory(options.path)) {
    std::ifstream in(description);
    made = Json::parse(in);
    for (const char* section : {"settings", "totals", "checks"}) {
      text += fmt::format("{}\n", section);
      const Json members = made.value(section, Json::object());
      for (const auto& [name, value] : members.items()) {
        text +=
            fmt::format("  {:<38} {}\n", name,
                        on_one_line(value.is_string() ? value.get<std::string>() : value.dump()));
      }
    }
  }
  if (options.json) {
    text = Json{{"files", files}, {"dataset", made}}.dump(2, ' ', false,
                                                          Json::error_handler_t::replace) +
           "\n";
  }
  std::fputs(text.c_str(), stdout);
  return problems == 0 ? kExitDone : kExitBadInput;
}

struct VerifyOptions {
  std::string path;
  std::vector<std::string> against;
  bool scaffolds = false;
  bool json = false;
  bool quiet = false;
  size_t threads = 0;
  double timeout = 60;
};

int run_verify(const VerifyOptions& options) {
  std::vector<std::unique_ptr<DatasetFile>> files;
  std::vector<const DatasetFile*> pointers;
  uint64_t total = 0;
  for (const auto& path : dataset_files(options.path)) {
    files.push_back(std::make_unique<DatasetFile>(path));
    pointers.push_back(files.back().get());
    total += files.back()->size();
  }
  DatasetSettings settings;
  settings.exclude_scaffolds = options.scaffolds;
  WorkerPool pool(
      options.threads, std::chrono::milliseconds(static_cast<int64_t>(options.timeout * 1000)),
      [runner = TaskRunner(settings)](const std::string& task) { return runner.run(task); });
  catch_interrupts();
  Progress progress(total, "molecules", options.quiet);
  const auto say = [&](const std::string& line) {
    progress.clear();
    molgen3d::say(line);
  };
  FailureLines unreadable(FailureLimits(), say);
  ExclusionList list;
  list.read(
      options.against, {}, pool, [&](const std::string& line) { unreadable.add(line); },
      [] { return interrupted(); });
  const AbsenceCheck check =
      interrupted() ? AbsenceCheck()
                    : check_absent(
                          pointers, list, pool, [&](uint64_t done) { progress.update(done); },
                          [] { return interrupted(); });
  progress.clear();
  if (interrupted()) return kExitInterrupted;
  for (const std::string& line : check.examples) say(line);
  const Json json = {{"molecules", check.molecules},
                     {"list_records", list.records()},
                     {"list_molecules", list.molecules()},
                     {"list_unreadable", list.unreadable()},
                     {"on_list", check.hits},
                     {"with_scaffold_of_list", check.scaffold_hits},
                     {"in_two_splits", check.shared}};
  if (options.json) {
    std::fputs((json.dump(2) + "\n").c_str(), stdout);
  } else {
    std::fputs(
        fmt::format("{} molecules against {} of the lists (stereoisomers count as the same): {} "
                    "on a list{}, {} in two splits\n",
                    check.molecules, list.molecules(), check.hits,
                    options.scaffolds
                        ? fmt::format(", {} more with a scaffold of one", check.scaffold_hits)
                        : "",
                    check.shared)
            .c_str(),
        stdout);
  }
  return check.ok() && list.unreadable() == 0 ? kExitDone : kExitBadInput;
}

}  // namespace

void add_dataset_inspection(CLI::App& dataset, int& exit_code) {
  auto info = std::make_shared<InfoOptions>();
  CLI::App* command = dataset.add_subcommand("info",
                                             "What a data set holds; reads every byte and checks "
                                             "it.\nExample: molgen3d dataset info data");
  command->add_option("path", info->path, "Folder of a data set, or one .mol3d file")->required();
  command->add_flag("--json", info->json, "For machines");
  command->callback([info, &exit_code] { exit_code = run_info(*info); });

  auto verify = std::make_shared<VerifyOptions>();
  command = dataset.add_subcommand("verify",
                                   "Prove that no molecule of some lists is in a data set.\n"
                                   "Example: molgen3d dataset verify data --against test.smi");
  command->add_option("path", verify->path, "Folder of a data set, or one .mol3d file")->required();
  command->add_option("--against", verify->against, "Lists of molecules (.smi .csv .sdf .gz .xz)")
      ->required();
  command->add_flag("--scaffolds", verify->scaffolds, "Murcko scaffolds too");
  command->add_option("--threads", verify->threads, "Worker processes [default: all cores]");
  command->add_flag("--json", verify->json, "For machines");
  command->add_flag("-q,--quiet", verify->quiet, "No progress");
  command->callback([verify, &exit_code] { exit_code = run_verify(*verify); });
}

}  // namespace molgen3d
