#include "cluster/slurm.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <sstream>

#include "base/error.h"
#include "cluster/command.h"

namespace molgen3d {

namespace {

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const size_t line = text.rfind('\n');
  return line == std::string::npos ? text : text.substr(line + 1);
}

std::vector<std::string> fields(const std::string& line, char separator) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(separator, begin), line.size());
    out.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string ids_of(const std::vector<ArrayJob>& arrays) {
  std::vector<std::string> ids;
  for (const ArrayJob& array : arrays) ids.push_back(array.id);
  return fmt::format("{}", fmt::join(ids, ","));
}

const ArrayJob* array_of(const std::vector<ArrayJob>& arrays, const std::string& id) {
  for (const ArrayJob& array : arrays) {
    if (array.id == id) return &array;
  }
  return nullptr;
}

// A task may have been submitted more than once: the later array counts.
using Found = std::map<size_t, JobNow>;

void add(Found& found, const ArrayJob& array, size_t index, JobNow job) {
  job.id = fmt::format("{}_{}", array.id, index);
  found[array.first + index] = std::move(job);
}

std::map<std::string, Found> in_queue(const std::vector<ArrayJob>& arrays) {
  const CommandResult said = run_command(
      {"squeue", "-h", "-r", "-a", "-t", "all", "-o", "%F|%K|%T|%r|%S", "-j", ids_of(arrays)});
  // squeue knows nothing of a job that is long over, and says so; of several it lists the others.
  std::map<std::string, Found> out;
  std::istringstream lines(said.output);
  for (std::string line; std::getline(lines, line);) {
    const auto part = fields(line, '|');
    if (part.size() != 5) continue;
    const ArrayJob* array = array_of(arrays, part[0]);
    if (array == nullptr) continue;
    for (const size_t index : indices_of_array(part[1]))
      add(out[array->id], *array, index, {"", part[2], part[3], part[4]});
  }
  return out;
}

void add_from_accounts(const std::vector<ArrayJob>& arrays, std::map<std::string, Found>& found) {
  CommandResult said;
  try {
    said = run_command({"sacct", "-n", "-P", "-X", "-o", "JobID,State", "-j", ids_of(arrays)});
  } catch (const Error&) {
    return;
  }
  if (said.code != 0) return;  // the cluster keeps no accounts
  std::istringstream lines(said.output);
  for (std::string line; std::getline(lines, line);) {
    const auto part = fields(line, '|');
    const size_t underscore = part[0].find('_');
    if (part.size() != 2 || underscore == std::string::npos) continue;
    const ArrayJob* array = array_of(arrays, part[0].substr(0, underscore));
    if (array == nullptr) continue;
    const std::string state = part[1].substr(0, part[1].find(' '));
    for (const size_t index : indices_of_array(part[0].substr(underscore + 1))) {
      Found& of_array = found[array->id];
      if (!of_array.contains(array->first + index))
        add(of_array, *array, index, {"", state, "", ""});
    }
  }
}

}  // namespace

size_t most_in_array() {
  const CommandResult said = run_command({"scontrol", "show", "config"});
  const size_t at = said.output.find("MaxArraySize");
  const size_t equals = said.output.find('=', at);
  const size_t number = said.output.find_first_of("0123456789", equals);
  size_t most = 0;
  if (said.code == 0 && at != std::string::npos && number != std::string::npos)
    most = std::strtoul(said.output.c_str() + number, nullptr, 10);
  if (most == 0)
    throw Error::format("scontrol show config: {}", last_line(said.error + said.output));
  return most;
}

std::string sbatch(const std::vector<std::string>& arguments, const std::string& script) {
  std::vector<std::string> words = {"sbatch", "--parsable"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const CommandResult said = run_command(words, script);
  std::string id = said.output.substr(0, said.output.find_first_of(";\n"));
  if (said.code != 0 || id.empty() || id.find_first_not_of("0123456789") != std::string::npos)
    throw Error::format("sbatch: {}", last_line(said.error + said.output));
  return id;
}

std::map<size_t, JobNow> jobs_now(const std::vector<ArrayJob>& arrays) {
  if (arrays.empty()) return {};
  std::map<std::string, Found> by_array = in_queue(arrays);
  add_from_accounts(arrays, by_array);
  std::map<size_t, JobNow> out;
  for (const ArrayJob& array : arrays) {
    for (const auto& [task, job] : by_array[array.id]) out[task] = job;
  }
  return out;
}

std::string cancel_jobs(const std::vector<ArrayJob>& arrays) {
  std::vector<std::string> words = {"scancel"};
  for (const ArrayJob& array : arrays) words.push_back(array.id);
  if (arrays.empty()) return "";
  return last_line(run_command(words).error);
}

bool requeue_own_job(std::string* cause) {
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr) {
    *cause = "not in a job of Slurm";
    return false;
  }
  const CommandResult said = run_command({"scontrol", "requeue", job});
  *cause = last_line(said.error);
  return said.code == 0;
}

std::optional<double> end_of_own_job() {
  if (const char* end = std::getenv("SLURM_JOB_END_TIME")) return std::strtod(end, nullptr);
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr) return std::nullopt;
  CommandResult said;
  try {
    said = run_command({"squeue", "-h", "-j", job, "-o", "%e"});
  } catch (const Error&) {
    return std::nullopt;
  }
  std::tm time{};
  const char* rest = strptime(said.output.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr) return std::nullopt;
  time.tm_isdst = -1;
  return static_cast<double>(std::mktime(&time));
}

std::string array_indices(const std::vector<size_t>& indices) {
  std::string out;
  for (size_t i = 0; i < indices.size();) {
    size_t last = i;
    while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1) ++last;
    if (!out.empty()) out += ',';
    out +=
        last > i ? fmt::format("{}-{}", indices[i], indices[last]) : fmt::format("{}", indices[i]);
    i = last + 1;
  }
  return out;
}

std::vector<size_t> indices_of_array(const std::string& text) {
  std::vector<size_t> out;
  const size_t begin = text.starts_with("[") ? 1 : 0;
  const size_t end = std::min({text.find('%'), text.find(']'), text.size()});
  for (const std::string& part : fields(text.substr(begin, end - begin), ',')) {
    size_t first = 0, last = 0;
    const size_t dash = part.find('-');
    const auto read = [](const std::string& digits, size_t& value) {
      const auto [stop, status] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value);
      return status == std::errc() && stop == digits.data() + digits.size();
    };
    if (!read(part.substr(0, dash), first)) continue;
    last = first;
    if (dash != std::string::npos && !read(part.substr(dash + 1), last)) continue;
    for (size_t i = first; i <= last && i - first < 10000000; ++i) out.push_back(i);
  }
  return out;
}

}  // namespace molgen3d
