#include "cluster/task_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "files/output_file.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

std::optional<std::string> text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void write_result(const Submission& submission, size_t task, const TaskResult& r) {
  Json out = {{"records", r.records},
              {"kept", r.kept},
              {"dropped", r.dropped},
              {"output_bytes", r.output_bytes},
              {"failed_bytes", r.failed_bytes},
              {"exit_code", r.exit_code},
              {"seconds", r.seconds},
              {"rdkit", r.chemistry.rdkit},
              {"canonical", r.chemistry.canonical},
              {"identity", Json::object()}};
  for (const auto& [name, value] : r.identity) out["identity"][name] = value;
  write_file(submission.task_file(task, "result.json"),
             out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::optional<TaskResult> read_result(const Submission& submission, size_t task) {
  const std::string path = submission.task_file(task, "result.json");
  const auto text = text_of(path);
  if (!text) return std::nullopt;
  TaskResult r;
  try {
    const Json json = Json::parse(*text);
    r.records = json.at("records");
    r.kept = json.at("kept");
    r.dropped = json.at("dropped");
    r.output_bytes = json.at("output_bytes");
    r.failed_bytes = json.at("failed_bytes");
    r.exit_code = json.at("exit_code");
    r.seconds = json.at("seconds");
    r.chemistry = {json.at("rdkit"), json.at("canonical")};
    for (const auto& [name, value] : json.at("identity").items())
      r.identity.emplace_back(name, value);
  } catch (const Json::exception& error) {
    throw Error::format("{}: damaged: {}", path, error.what());
  }
  return r;
}

TaskState read_state(const Submission& submission, size_t task) {
  const std::string path = submission.task_file(task, "state.json");
  const auto text = text_of(path);
  return text ? task_state_of(*text, path) : TaskState();
}

void write_state(const Submission& submission, size_t task, const TaskState& state) {
  write_file(submission.task_file(task, "state.json"), task_state_json(state));
}

std::optional<TaskProgress> read_progress(const Submission& submission, size_t task) {
  const auto text = text_of(submission.task_file(task, "at"));
  return text ? progress_of(*text) : std::nullopt;
}

ProgressFile::ProgressFile(const Submission& submission, size_t task) {
  const std::string path = submission.task_file(task, "at");
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw Error::format("{}: cannot be written: {}", path, std::strerror(errno));
}

ProgressFile::~ProgressFile() {
  ::close(descriptor_);
}

void ProgressFile::write(const TaskProgress& progress) const {
  const std::string line = progress_line(progress);
  // A full disk shows where results are written.
  (void)!::pwrite(descriptor_, line.data(), line.size(), 0);
}

}  // namespace molgen3d
