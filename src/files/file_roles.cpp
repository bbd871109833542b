#include "files/file_roles.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <unordered_map>

#include "base/error.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

std::string identity_text(const struct stat& info) {
  return fmt::format("{}:{}", info.st_dev, info.st_ino);
}

/// Device and inode of a regular file; empty for everything else.
std::string identity_of_file(const std::string& path) {
  struct stat info {};
  const int failed = path == "-" ? ::fstat(STDIN_FILENO, &info) : ::stat(path.c_str(), &info);
  return failed == 0 && S_ISREG(info.st_mode) ? identity_text(info) : "";
}

/// The same for an output: a name that is free is its folder's identity and the name in it.
std::string identity_of_output(const std::string& path) {
  if (path == "-") {
    struct stat info {};
    return ::fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode) ? identity_text(info) : "";
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return S_ISREG(info.st_mode) ? identity_text(info) : "";
  const fs::path target = link_target(path);
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (::stat(folder.c_str(), &info) != 0) return target.string();
  return identity_text(info) + "/" + target.filename().string();
}

void require_creatable(const std::string& path, const std::string& option) {
  if (path == "-") return;
  std::error_code ignored;
  if (fs::is_directory(path, ignored) || path.ends_with('/'))
    throw Error::format("{} {}: is a directory", option, path);
  const fs::path folder = link_target(path).parent_path();
  if (!folder.empty() && !fs::is_directory(folder, ignored))
    throw Error::format("{}: cannot create: no folder {}", path, folder.string());
  without_gzip(path);
}

}  // namespace

fs::path link_target(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the kernel
  std::error_code ignored;
  fs::path target = path;
  for (int links = 0; links < kMostLinks && fs::is_symlink(target, ignored); ++links) {
    const fs::path next = fs::read_symlink(target, ignored);
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  return target;
}

bool means_standard_output(const std::string& path) {
  return path.empty() || path == "-";
}

bool makes_a_file(const std::string& path) {
  if (means_standard_output(path)) return false;
  std::error_code ignored;
  const std::string full = fs::absolute(path, ignored).lexically_normal().string();
  if (full.starts_with("/dev/") || full.starts_with("/proc/")) return false;
  const fs::file_status status = fs::status(path, ignored);
  return !fs::exists(status) || fs::is_regular_file(status);
}

std::string without_gzip(const std::string& path) {
  static constexpr std::array kOthers = {".xz",  ".bz2", ".zst", ".zip", ".lzma",
                                         ".lz4", ".7z",  ".Z",   ".br"};
  const fs::path name = path;
  const std::string ending = name.extension().string();
  if (std::find(kOthers.begin(), kOthers.end(), ending) != kOthers.end())
    throw Error::format("{}: {} files cannot be written; .gz files can", path, ending);
  return ending == ".gz" ? path.substr(0, path.size() - 3) : path;
}

std::string output_ending(const std::string& path) {
  return fs::path(without_gzip(path)).extension().string();
}

void FileRoles::reads(const std::string& input) {
  std::error_code ignored;
  if (fs::is_directory(input, ignored)) {
    for (const auto& entry : fs::directory_iterator(input, ignored)) {
      if (entry.is_regular_file(ignored))
        inputs_.push_back({entry.path().string(), identity_of_file(entry.path().string())});
    }
    return;
  }
  std::string identity = identity_of_file(input);
  if (!identity.empty()) inputs_.push_back({input, std::move(identity)});
}

void FileRoles::reads(const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) reads(input);
}

void FileRoles::writes(const std::string& path, const std::string& option) {
  if (!path.empty()) outputs_.push_back({path, option});
}

void FileRoles::check() const {
  std::unordered_map<std::string, const Input*> inputs;
  for (const Input& input : inputs_) inputs.emplace(input.identity, &input);
  std::unordered_map<std::string, const Output*> outputs;
  for (const Output& output : outputs_) {
    require_creatable(output.name, output.option);
    const std::string identity = identity_of_output(output.name);
    if (identity.empty()) continue;  // a device or a pipe: may be written by several
    const std::string shown =
        output.name == "-" ? "standard output" : output.option + " " + output.name;
    if (const auto input = inputs.find(identity); input != inputs.end())
      throw Error::format("{}: is the same file as the input {}", shown, input->second->name);
    const auto [first, fresh] = outputs.emplace(identity, &output);
    if (!fresh)
      throw Error::format("{} {} and {} {} are the same file", first->second->option,
                          first->second->name, output.option, output.name);
  }
}

}  // namespace molgen3d
