#include "cluster/profile.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>

#include "base/error.h"
#include "cluster/shell_text.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

constexpr const char* kProjectFile = "molgen3d-profiles.ini";

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

template <typename T>
T number(const std::string& text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status != std::errc() || stop != end || !(value > 0))
    throw Error::format("{}: not a number above 0", in_quotes(text));
  return value;
}

void set_word(std::string& place, const std::string& value) {
  place = directive_value(value, "value");
}

using Setter = std::function<void(ClusterProfile&, const std::string&)>;

const std::map<std::string, Setter>& setters() {
  const auto word = [](std::string ClusterProfile::*member) {
    return [member](ClusterProfile& p, const std::string& v) { set_word(p.*member, v); };
  };
  static const std::map<std::string, Setter> all = {
      {"partition", word(&ClusterProfile::partition)},
      {"account", word(&ClusterProfile::account)},
      {"qos", word(&ClusterProfile::qos)},
      {"constraint", word(&ClusterProfile::constraint)},
      {"reservation", word(&ClusterProfile::reservation)},
      {"nodelist", word(&ClusterProfile::nodelist)},
      {"exclude", word(&ClusterProfile::exclude)},
      {"gres", word(&ClusterProfile::gres)},
      {"memory", word(&ClusterProfile::memory)},
      {"device", word(&ClusterProfile::device)},
      {"cpus", [](ClusterProfile& p, const std::string& v) { p.cpus = number<size_t>(v); }},
      {"parallel", [](ClusterProfile& p, const std::string& v) { p.parallel = number<size_t>(v); }},
      {"rate", [](ClusterProfile& p, const std::string& v) { p.rate = number<double>(v); }},
      {"time",
       [](ClusterProfile& p, const std::string& v) {
         seconds_of_time(v);
         p.time = v;
       }},
      {"kind",
       [](ClusterProfile& p, const std::string& v) {
         if (v != "slurm" && v != "local")
           throw Error::format("kind {}: not one of slurm, local", in_quotes(v));
         p.local = v == "local";
       }},
      {"sbatch",
       [](ClusterProfile& p, const std::string& v) {
         if (!v.starts_with("--"))
           throw Error::format("{}: not an option of sbatch (--NAME=VALUE)", in_quotes(v));
         p.sbatch.push_back(directive_value(v, "option"));
       }},
      {"setup", [](ClusterProfile& p, const std::string& v) { p.setup.push_back(v); }}};
  return all;
}

ClusterProfile of_the_study(const std::string& name) {
  ClusterProfile profile;
  profile.name = name;
  profile.gres = "gpu:" + name + ":1";
  profile.cpus = 4;
  profile.memory = "40G";
  profile.time = "60";
  profile.device = "cuda";
  return profile;
}

std::vector<ClusterProfile> built_in() {
  ClusterProfile local;
  local.name = "local";
  local.local = true;
  return {local, of_the_study("h100"), of_the_study("a100")};
}

std::vector<fs::path> places() {
  std::vector<fs::path> out;
  std::error_code ignored;
  for (fs::path folder = fs::current_path(ignored);; folder = folder.parent_path()) {
    out.push_back(folder / kProjectFile);
    if (folder == folder.parent_path()) break;
  }
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && *config != 0)
    out.push_back(fs::path(config) / "molgen3d" / "profiles.ini");
  else if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0)
    out.push_back(fs::path(home) / ".config" / "molgen3d" / "profiles.ini");
  return out;
}

std::optional<ClusterProfile> pick(const std::vector<ClusterProfile>& profiles,
                                   const std::string& name) {
  for (const ClusterProfile& profile : profiles) {
    if (profile.name == name) return profile;
  }
  return std::nullopt;
}

}  // namespace

size_t seconds_of_time(const std::string& text) {
  const auto refuse = [&]() -> size_t {
    throw Error::format("time {}: not minutes, hours:minutes:seconds or days-hours:minutes:seconds",
                        in_quotes(text));
  };
  const size_t dash = text.find('-');
  std::vector<size_t> parts;
  const std::string clock = dash == std::string::npos ? text : text.substr(dash + 1);
  const auto add = [&](const std::string& digits) {
    size_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, status] = std::from_chars(digits.data(), end, value);
    if (status != std::errc() || stop != end || value > 1000000) refuse();
    parts.push_back(value);
  };
  for (size_t begin = 0; begin <= clock.size();) {
    const size_t end = std::min(clock.find(':', begin), clock.size());
    add(clock.substr(begin, end - begin));
    begin = end + 1;
  }
  if (parts.size() > 3) refuse();
  size_t seconds = 0;
  if (dash != std::string::npos) {
    const std::vector<size_t> hours = parts;
    add(text.substr(0, dash));
    seconds = parts.back() * 86400;
    const size_t units[] = {3600, 60, 1};
    for (size_t i = 0; i < hours.size(); ++i) seconds += hours[i] * units[i];
  } else if (parts.size() == 3) {
    seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
  } else {
    seconds = parts[0] * 60 + (parts.size() == 2 ? parts[1] : 0);
  }
  return seconds > 0 ? seconds : refuse();
}

std::vector<ClusterProfile> read_profiles(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error::format("{}: cannot be opened", path);
  std::vector<ClusterProfile> out;
  std::string line;
  for (size_t number = 1; std::getline(file, line); ++number) {
    const std::string text = trimmed(line);
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    try {
      if (text[0] == '[') {
        if (text.back() != ']') throw Error::format("{}: no ] at the end", in_quotes(text));
        ClusterProfile profile;
        profile.name = trimmed(text.substr(1, text.size() - 2));
        if (profile.name.empty()) throw Error("a profile without a name");
        if (pick(out, profile.name))
          throw Error::format("profile {} stands there twice", in_quotes(profile.name));
        out.push_back(std::move(profile));
        continue;
      }
      const size_t equals = text.find('=');
      if (equals == std::string::npos || out.empty())
        throw Error::format("{}: neither [PROFILE] nor NAME = VALUE in one", in_quotes(text));
      const std::string name = trimmed(text.substr(0, equals));
      const auto setter = setters().find(name);
      if (setter == setters().end()) {
        std::vector<std::string> names;
        for (const auto& [known, unused] : setters()) names.push_back(known);
        throw Error::format("{}: not one of {}", in_quotes(name), fmt::join(names, ", "));
      }
      std::string value = trimmed(text.substr(equals + 1));
      if (name != "setup") {
        if (const size_t comment = value.find(" #"); comment != std::string::npos)
          value = trimmed(value.substr(0, comment));
      }
      setter->second(out.back(), value);
    } catch (const Error& error) {
      throw Error::format("{}:{}: {}", path, number, error.what());
    }
  }
  return out;
}

ClusterProfile find_profile(const std::string& name, const std::string& file) {
  std::vector<std::string> looked;
  const auto from = [&](const std::string& path) {
    looked.push_back(path);
    return pick(read_profiles(path), name);
  };
  if (!file.empty()) {
    if (const auto found = from(file)) return *found;
  } else {
    for (const fs::path& place : places()) {
      std::error_code ignored;
      if (!fs::exists(place, ignored)) continue;
      if (const auto found = from(place.string())) return *found;
    }
    if (const auto found = pick(built_in(), name)) return *found;
  }
  if (file.empty()) looked.emplace_back("those built in (local, h100, a100)");
  throw Error::format("profile {}: not in {}", in_quotes(name), fmt::join(looked, ", "));
}

}  // namespace molgen3d
