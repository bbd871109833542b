#include "cluster/submission.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/output_file.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

Json json_of(const ClusterProfile& p) {
  return {{"name", p.name},
          {"local", p.local},
          {"partition", p.partition},
          {"account", p.account},
          {"qos", p.qos},
          {"constraint", p.constraint},
          {"reservation", p.reservation},
          {"nodelist", p.nodelist},
          {"exclude", p.exclude},
          {"gres", p.gres},
          {"memory", p.memory},
          {"cpus", p.cpus},
          {"time", p.time},
          {"parallel", p.parallel},
          {"rate", p.rate},
          {"device", p.device},
          {"sbatch", p.sbatch},
          {"setup", p.setup}};
}

ClusterProfile profile_of(const Json& j) {
  ClusterProfile p;
  p.name = j.at("name");
  p.local = j.at("local");
  p.partition = j.at("partition");
  p.account = j.at("account");
  p.qos = j.at("qos");
  p.constraint = j.at("constraint");
  p.reservation = j.at("reservation");
  p.nodelist = j.at("nodelist");
  p.exclude = j.at("exclude");
  p.gres = j.at("gres");
  p.memory = j.at("memory");
  p.cpus = j.at("cpus");
  p.time = j.at("time");
  p.parallel = j.at("parallel");
  p.rate = j.at("rate");
  p.device = j.at("device");
  p.sbatch = j.at("sbatch").get<std::vector<std::string>>();
  p.setup = j.at("setup").get<std::vector<std::string>>();
  return p;
}

Json json_of(const Manifest& m) {
  Json out = {{"submission", "molgen3d"},
              {"format", kVersion},
              {"program", m.program},
              {"version", m.version},
              {"created", m.created},
              {"command", m.command},
              {"arguments", m.arguments},
              {"folder", m.folder},
              {"name", m.name},
              {"profile", json_of(m.profile)},
              {"margin", m.margin},
              {"most_requeues", m.most_requeues},
              {"samples", m.samples},
              {"array", m.array},
              {"output", m.output},
              {"failed", m.failed},
              {"chemistry", {{"rdkit", m.chemistry.rdkit}, {"canonical", m.chemistry.canonical}}},
              {"inputs", Json::array()},
              {"identity", Json::object()},
              {"shards", Json::array()}};
  for (const auto& [name, content] : m.inputs)
    out["inputs"].push_back({{"name", name}, {"content", content}});
  for (const auto& [name, value] : m.identity) out["identity"][name] = value;
  for (const ShardPlan& shard : m.shards)
    out["shards"].push_back({shard.first, shard.records, shard.tokens});
  return out;
}

Manifest manifest_of(const Json& j) {
  Manifest m;
  m.program = j.at("program");
  m.version = j.at("version");
  m.created = j.at("created");
  m.command = j.at("command");
  m.arguments = j.at("arguments").get<std::vector<std::string>>();
  m.folder = j.at("folder");
  m.name = j.at("name");
  m.profile = profile_of(j.at("profile"));
  m.margin = j.at("margin");
  m.most_requeues = j.at("most_requeues");
  m.samples = j.at("samples");
  m.array = j.at("array");
  m.output = j.at("output");
  m.failed = j.at("failed");
  m.chemistry = {j.at("chemistry").at("rdkit"), j.at("chemistry").at("canonical")};
  for (const Json& input : j.at("inputs"))
    m.inputs.emplace_back(input.at("name"), input.at("content"));
  for (const auto& [name, value] : j.at("identity").items()) m.identity.emplace_back(name, value);
  for (const Json& shard : j.at("shards"))
    m.shards.push_back({shard.at(0), shard.at(1), shard.at(2)});
  return m;
}

}  // namespace

Submission Submission::create(const std::string& folder) {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_empty(folder, error))
    throw Error::format("{}: is there already; name another --folder, or remove it", folder);
  fs::create_directories(folder, error);
  if (error) throw Error::format("{}: cannot be made: {}", folder, error.message());
  return Submission(fs::canonical(folder).string());
}

Submission Submission::open(const std::string& folder) {
  const std::string path = (fs::path(folder) / "manifest.json").string();
  std::ifstream file(path);
  if (!file) throw Error::format("{}: no submission: no manifest.json in it", folder);
  Submission out(fs::canonical(folder).string());
  try {
    const Json json = Json::parse(file);
    if (json.value("submission", "") != "molgen3d" || json.value("format", 0) != kVersion)
      throw Error::format("{}: not a manifest of this version of molgen3d", path);
    out.manifest_ = manifest_of(json);
  } catch (const Json::exception& error) {
    throw Error::format("{}: damaged: {}", path, error.what());
  }
  return out;
}

void Submission::write_manifest(Manifest manifest) {
  manifest_ = std::move(manifest);
  write_file(folder_ + "/manifest.json",
             json_of(manifest_).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string Submission::records(size_t task) const {
  return fmt::format("{}/records/{:04}/{:06}.gz", folder_, task / kTasksPerFolder, task);
}

std::string Submission::task_file(size_t task, const std::string& ending) const {
  return fmt::format("{}/tasks/{:04}/{:06}.{}", folder_, task / kTasksPerFolder, task, ending);
}

std::string Submission::task_output(size_t task) const {
  return task_file(task, manifest_.output.ends_with(".gz") ? "out.gz" : "out");
}

size_t Submission::array_start(size_t task) const {
  // Tasks of one array lie in one folder of logs.
  const size_t folder = task / kTasksPerFolder * kTasksPerFolder;
  return folder + (task - folder) / manifest_.array * manifest_.array;
}

std::string Submission::log(size_t task) const {
  const size_t start = array_start(task);
  return fmt::format("{}/logs/{:04}/{}+{}.log", folder_, task / kTasksPerFolder, start,
                     task - start);
}

void Submission::make_folders(size_t task) const {
  for (const std::string& file : {records(task), task_file(task, "out"), log(task)}) {
    std::error_code error;
    fs::create_directories(fs::path(file).parent_path(), error);
    if (error) throw Error::format("{}: cannot be made: {}", file, error.message());
  }
}

}  // namespace molgen3d
