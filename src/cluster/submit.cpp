#include "cluster/submit.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cluster/shell_text.h"
#include "files/append_file.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

std::string script_of(const Submission& submission, const ArrayPlan& plan) {
  const Manifest& m = submission.manifest();
  const ClusterProfile& p = m.profile;
  std::string out = "#!/bin/bash\n";
  const auto line = [&](const char* option, const std::string& value) {
    if (!value.empty())
      out += fmt::format("#SBATCH --{}={}\n", option, directive_value(value, option));
  };
  line("job-name", m.name);
  std::vector<size_t> indices;
  for (const size_t task : plan.tasks) indices.push_back(task - plan.first);
  line("array",
       array_indices(indices) + (plan.parallel > 0 ? fmt::format("%{}", plan.parallel) : ""));
  line("partition", p.partition);
  line("account", p.account);
  line("qos", p.qos);
  line("constraint", p.constraint);
  line("reservation", p.reservation);
  line("nodelist", p.nodelist);
  line("exclude", p.exclude);
  line("gres", p.gres);
  if (p.cpus > 0) line("cpus-per-task", std::to_string(p.cpus));
  line("mem", p.memory);
  line("time", p.time);
  line("nodes", "1");
  line("ntasks", "1");
  if (!p.time.empty()) line("signal", fmt::format("B:USR1@{}", m.margin));
  out += "#SBATCH --requeue\n#SBATCH --open-mode=append\n";
  for (const std::string& option : p.sbatch)
    out += "#SBATCH " + directive_value(option, "option") + "\n";
  // The program has its own ideas of signals; before it is there, they shall not end the script.
  out += "trap '' USR1\n";
  for (const std::string& setup : p.setup) out += setup + "\n";
  out += fmt::format("exec {} jobs run {} \"$((SLURM_ARRAY_TASK_ID + {}))\"\n",
                     shell_quoted(m.program), shell_quoted(submission.folder()), plan.first);
  return out;
}

// The log of index %a: Submission::log() without its last number.
std::string log_pattern(const Submission& submission, const ArrayPlan& plan) {
  const std::string log = submission.log(plan.first);
  return output_pattern(log.substr(0, log.rfind('+') + 1)) + "%a.log";
}

}  // namespace

std::vector<ArrayPlan> plan_arrays(const Submission& submission, const std::vector<size_t>& tasks) {
  std::vector<ArrayPlan> arrays;
  for (const size_t task : tasks) {
    const size_t first = submission.array_start(task);
    if (arrays.empty() || arrays.back().first != first) {
      arrays.emplace_back();
      arrays.back().first = first;
    }
    arrays.back().tasks.push_back(task);
  }
  const size_t parallel = submission.manifest().profile.parallel;
  for (size_t i = 0; i < arrays.size(); ++i) {
    ArrayPlan& array = arrays[i];
    if (parallel > 0) {
      array.parallel = std::max<size_t>(1, (parallel + arrays.size() - 1 - i) / arrays.size());
      if (i >= parallel) array.after = fmt::format("#{}", i - parallel);
    }
    array.arguments = {"--chdir=" + submission.manifest().folder,
                       "--output=" + log_pattern(submission, array)};
    array.script = script_of(submission, array);
  }
  return arrays;
}

std::vector<ArrayJob> submit_arrays(const Submission& submission, std::vector<ArrayPlan> arrays) {
  std::vector<ArrayJob> jobs;
  for (ArrayPlan& array : arrays) {
    if (!array.after.empty()) {
      const size_t before = std::stoul(array.after.substr(1));
      array.arguments.push_back("--dependency=afterany:" + jobs.at(before).id);
    }
    for (const size_t task : array.tasks) submission.make_folders(task);
    ArrayJob job{sbatch(array.arguments, array.script), array.first, array.tasks};
    std::error_code error;
    const auto size = std::filesystem::file_size(submission.jobs(), error);
    AppendFile file = error ? AppendFile(submission.jobs()) : AppendFile(submission.jobs(), size);
    file.put(
        Json{{"job", job.id}, {"first", job.first}, {"tasks", array_indices(job.tasks)}}.dump() +
        "\n");
    file.sync();
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::vector<ArrayJob> submitted_arrays(const Submission& submission) {
  std::vector<ArrayJob> out;
  std::ifstream file(submission.jobs());
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    try {
      const Json json = Json::parse(line);
      out.push_back({json.at("job"), json.at("first"),
                     indices_of_array(json.at("tasks").get<std::string>())});
    } catch (const Json::exception& error) {
      // The last line may have been cut off.
      if (file.peek() == EOF) break;
      throw Error::format("{}:{}: damaged: {}", submission.jobs(), number, error.what());
    }
  }
  return out;
}

std::string array_text(const ArrayPlan& plan) {
  std::vector<std::string> words = {"sbatch", "--parsable"};
  words.insert(words.end(), plan.arguments.begin(), plan.arguments.end());
  std::string after;
  if (!plan.after.empty())
    after = fmt::format(" --dependency=afterany:(job of array {})", plan.after);
  return shell_command(words) + after + " <<'SCRIPT'\n" + plan.script + "SCRIPT\n";
}

}  // namespace molgen3d
