#include "cli/submit_session.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <set>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/generate_options.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cluster/shell_text.h"
#include "cluster/submit.h"
#include "cluster/task_run.h"
#include "generation/run_identity.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

constexpr double kShortestShard = 60, kLongestShard = 1800;  // seconds
constexpr double kCudaRate = 40000, kCpuRate = 3000;         // tokens a second: docs/clusters.md
// Slurm's own default of MaxArraySize.
constexpr size_t kUsualArray = 1001;

// Options that are of this call, not of its tasks.
const std::set<std::string> kNotOfTasks = {
    "--output",    "--failed",    "--limit",   "--input-format",    "--resume",
    "--overwrite", "--dry-run",   "--format",  "--smiles-column",   "--title-column",
    "--delimiter", "--no-header", "--profile", "--profile-kernels", "--help"};

void parse_words(CLI::App& app, const std::vector<std::string>& words) {
  std::vector<char*> arguments = {nullptr};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  take_texts_as_typed(app);
  app.parse(protect_texts(static_cast<int>(arguments.size()), arguments.data()));
}

// What was given on the command line, as --name=value.
std::vector<std::string> given_options(const CLI::App& command) {
  std::vector<std::string> out;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || option->get_positional() || kNotOfTasks.contains(name)) continue;
    if (option->get_expected_max() == 0) {
      out.push_back(name);
      continue;
    }
    for (const std::string& value : option->results()) out.push_back(name + "=" + value);
  }
  return out;
}

bool gives(const CLI::App& command, const std::string& name) {
  const CLI::Option* option = command.get_option_no_throw(name);
  return option != nullptr && option->count() > 0;
}

// What the profile knows of the machine and the command was not told.
void add_of_profile(const CLI::App& command, const ClusterProfile& profile,
                    std::vector<std::string>& arguments) {
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty() || gives(command, name)) return;
    if (command.get_option_no_throw(name) == nullptr) return;
    arguments.push_back(std::string(name) + "=" + value);
  };
  add("--device", profile.device);
  add("--threads", profile.cpus > 0 ? std::to_string(profile.cpus) : "");
}

std::string job_name(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += std::isalnum(byte) != 0 || c == '.' || c == '_' || c == '-' ? c : '_';
  }
  return out.substr(0, 60);
}

std::string free_folder(const std::string& wanted) {
  if (!fs::exists(wanted)) return wanted;
  for (size_t number = 2;; ++number) {
    const std::string other = fmt::format("{}-{}", wanted, number);
    if (!fs::exists(other)) return other;
  }
}

// Settings that do not depend on the command.
Manifest manifest_of(const SubmitOptions& options, const ClusterProfile& profile) {
  Manifest out;
  out.program = fs::read_symlink("/proc/self/exe").string();
  out.version = MOLGEN3D_VERSION;
  out.created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  out.folder = fs::current_path().string();
  out.profile = profile;
  if (options.parallel > 0) out.profile.parallel = options.parallel;
  out.most_requeues = options.requeues;
  out.chemistry = chemistry_versions();
  out.margin = options.margin;
  if (!profile.time.empty()) {
    const size_t limit = seconds_of_time(profile.time);
    if (out.margin == 0) out.margin = std::clamp<size_t>(limit / 20, 5, 120);
    if (2 * out.margin > limit)
      throw Error::format("--margin {}: more than half of the time limit of {} s", out.margin,
                          limit);
  }
  if (profile.local) return out;
  size_t most = kUsualArray;
  try {
    most = most_in_array();
  } catch (const Error& error) {
    if (!options.dry_run) throw;
    say(fmt::format("{}; arrays are cut for a MaxArraySize of {}", error.what(), kUsualArray));
  }
  out.array = std::clamp<size_t>(most, 1, kTasksPerFolder);
  return out;
}

ShardSettings shard_settings_of(const SubmitOptions& options, const GenerateOptions& generate,
                                const Manifest& manifest, const PromptOptions& prompts) {
  ShardSettings out;
  out.tasks = options.tasks;
  out.samples = generate.run.samples;
  out.prompt = prompts;
  out.prompt.geometry = {};  // what a molecule is called does not depend on it
  out.limit = generate.input.limit;
  const ClusterProfile& profile = manifest.profile;
  const bool cuda = profile.device.starts_with("cuda") || !profile.gres.empty();
  out.rate = profile.rate > 0 ? profile.rate : cuda ? kCudaRate : kCpuRate;
  out.seconds = options.minutes * 60;
  if (out.seconds > 0) return out;
  const double limit =
      profile.time.empty() ? 2 * kLongestShard : static_cast<double>(seconds_of_time(profile.time));
  out.seconds = std::clamp(limit / 2, kShortestShard, kLongestShard);
  return out;
}

void check_generate(const GenerateOptions& options, const CLI::App& command) {
  if (options.input.inputs.empty()) throw CLI::RequiredError("input");
  if (options.output.empty() || !makes_a_file(options.output))
    throw Error(
        "submit generate needs --output FILE (an ordinary file), which `jobs merge` writes");
  if (gives(command, "--profile")) throw Error("submit: --profile is for one run, not for tasks");
  FileRoles roles;
  roles.reads(options.input.inputs);
  options.paths().add_to(roles);
  roles.check();
}

void fill_generate(Manifest& manifest, const GenerateOptions& options, const CLI::App& command,
                   const Model& model) {
  const OutputFormat format = options.format.empty() ? output_format_of_path(options.output)
                                                     : output_format(options.format);
  static constexpr const char* kFormats[] = {"sdf", "xyz", "enriched", "jsonl"};
  manifest.arguments = given_options(command);
  manifest.arguments.push_back(std::string("--format=") + kFormats[static_cast<size_t>(format)]);
  add_of_profile(command, manifest.profile, manifest.arguments);
  manifest.samples = options.run.samples;
  manifest.output = options.output;
  manifest.failed = options.failed;
  for (const std::string& input : options.input.inputs)
    manifest.inputs.emplace_back(input, content_of_files({input}));
  manifest.identity =
      joined(run_identity(options.run, generation_options_of(options.run, model), model, ""),
             output_identity({.format = format, .add_hydrogens = options.add_hydrogens}));
  std::erase_if(manifest.identity, [](const auto& entry) { return entry.first == "device"; });
}

// Cuts the records of a `generate` command.
Submission prepare_generate(const SubmitOptions& options, Manifest manifest,
                            const std::vector<std::string>& words) {
  GenerateOptions generate;
  CLI::App app("submit generate");
  add_generate_options(app, generate);
  parse_words(app, {words.begin() + 1, words.end()});
  check_generate(generate, app);
  const auto model = load_model(find_model(generate.run.model_name()));
  fill_generate(manifest, generate, app, *model);
  manifest.name =
      job_name(options.name.empty()
                   ? fmt::format("generate_{}", fs::path(generate.output).filename().string())
                   : options.name);
  Submission submission =
      Submission::create(options.folder.empty() ? generate.output + ".jobs" : options.folder);
  const PromptOptions prompts =
      prompt_options_of(generation_options_of(generate.run, *model), *model);
  const ReaderOptions reader = reader_options_of(generate.input);
  Progress progress(0, "records", options.quiet);
  // Without a manifest the folder is no submission yet.
  submission.set_manifest(manifest);
  manifest.shards = write_shards(submission, generate.input.inputs, reader,
                                 shard_settings_of(options, generate, manifest, prompts),
                                 [&](size_t records) { progress.update(records); });
  progress.clear();
  submission.write_manifest(std::move(manifest));
  return submission;
}

// Any other command: one task that runs it as it is.
Submission prepare_whole(const SubmitOptions& options, Manifest manifest,
                         const std::vector<std::string>& words) {
  CLI::App app("submit");
  int unused = 0;
  for (const AddCommand add : kCommands) add(app, unused);
  for (CLI::App* command : app.get_subcommands(nullptr)) command->callback(nullptr);
  parse_words(app, words);
  const CLI::App& command = *app.get_subcommands().at(0);
  manifest.arguments.assign(words.begin() + 1, words.end());
  add_of_profile(command, manifest.profile, manifest.arguments);
  std::string name = options.name;
  if (name.empty() && words[0] == "smoke") {
    // As the study called its jobs: the cache, and how many molecules.
    const CLI::Option* size = command.get_option("--sample-size");
    name = fmt::format("smoke_paged_{}",
                       size->count() > 0 ? size->results()[0] : size->get_default_str());
  }
  manifest.name = job_name(name.empty() ? words[0] : name);
  Submission submission = Submission::create(
      options.folder.empty() ? free_folder("jobs/" + manifest.name) : options.folder);
  if (words[0] == "smoke" && !gives(command, "--json-report"))
    manifest.arguments.push_back("--json-report=" + submission.folder() + "/report.json");
  submission.write_manifest(std::move(manifest));
  submission.make_folders(0);
  return submission;
}

std::vector<size_t> all_tasks(const Submission& submission) {
  std::vector<size_t> tasks(submission.manifest().tasks());
  for (size_t i = 0; i < tasks.size(); ++i) tasks[i] = i;
  return tasks;
}

void print_plan(const Submission& submission) {
  const Manifest& manifest = submission.manifest();
  std::vector<std::string> words = {manifest.program, manifest.command};
  words.insert(words.end(), manifest.arguments.begin(), manifest.arguments.end());
  fmt::print("# {} task{}, each of which runs, in {}:\n# {}\n", manifest.tasks(),
             manifest.tasks() == 1 ? "" : "s", shell_quoted(manifest.folder), shell_command(words));
  if (!manifest.shards.empty()) {
    const auto [least, most] = std::minmax_element(
        manifest.shards.begin(), manifest.shards.end(),
        [](const ShardPlan& a, const ShardPlan& b) { return a.tokens < b.tokens; });
    fmt::print("# {:.0f} to {:.0f} tokens and {} to {} records a task\n", least->tokens,
               most->tokens, least->records, most->records);
  }
  if (manifest.profile.local) return;
  for (const ArrayPlan& array : plan_arrays(submission, all_tasks(submission)))
    fmt::print("{}", array_text(array));
}

int run_here(const Submission& submission, const std::vector<size_t>& tasks) {
  bool whole = true;
  for (const size_t task : tasks) {
    const int code = run_task(submission, task, [](const std::string& line) { say(line); });
    if (code == kTaskStopped) return kExitInterrupted;
    whole = whole && code == kTaskDone;
  }
  return whole ? kExitDone : kExitBadInput;
}

}  // namespace

int start_tasks(const Submission& submission, const std::vector<size_t>& tasks, bool quiet) {
  if (submission.manifest().profile.local) {
    const int code = run_here(submission, tasks);
    if (!quiet && !submission.manifest().shards.empty())
      say(fmt::format("molgen3d jobs merge {} puts the results together",
                      shell_quoted(submission.folder())));
    return code;
  }
  const std::vector<ArrayJob> jobs = submit_arrays(submission, plan_arrays(submission, tasks));
  std::vector<std::string> ids;
  for (const ArrayJob& job : jobs) ids.push_back(job.id);
  fmt::print("{} task{} in job{} {}\n", tasks.size(), tasks.size() == 1 ? "" : "s",
             ids.size() == 1 ? "" : "s", fmt::join(ids, ", "));
  if (!quiet)
    say(fmt::format("molgen3d jobs status {} shows how far they are",
                    shell_quoted(submission.folder())));
  return kExitDone;
}

int submit_command(const SubmitOptions& options, const std::vector<std::string>& words) {
  if (words.empty())
    throw Error("submit: no command (generate, smoke, study, dataset or evaluate); see --help");
  const ClusterProfile profile = find_profile(options.profile, options.profiles);
  Manifest manifest = manifest_of(options, profile);
  manifest.command = words[0];
  const Submission submission = words[0] == "generate"
                                    ? prepare_generate(options, std::move(manifest), words)
                                    : prepare_whole(options, std::move(manifest), words);
  if (options.dry_run) {
    print_plan(submission);
    fs::remove_all(submission.folder());
    return kExitDone;
  }
  return start_tasks(submission, all_tasks(submission), options.quiet);
}

}  // namespace molgen3d
