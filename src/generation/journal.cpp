#include "generation/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr std::chrono::seconds kSyncInterval{1};
constexpr int kVersion = 1;

std::string header_line(const Journal::Settings& settings) {
  nlohmann::ordered_json header = {{"journal", "molgen3d"}, {"version", kVersion}};
  for (const auto& [name, value] : settings) header["settings"][name] = value;
  return header.dump();
}

void write_all(int descriptor, const std::string& text, const std::filesystem::path& path) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(descriptor, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error::format("{}: cannot write: {}", path.string(), std::strerror(errno));
    done += static_cast<size_t>(n);
  }
}

// Throws naming the first setting that differs.
void check_settings(const std::string& found_line, const Journal::Settings& settings,
                    const std::filesystem::path& path) {
  const auto found = nlohmann::json::parse(found_line, nullptr, false);
  if (!found.is_object() || found.value("journal", "") != "molgen3d" ||
      !found.contains("settings")) {
    throw Error::format("{}: not a molgen3d journal", path.string());
  }
  for (const auto& [name, value] : settings) {
    const std::string old = found["settings"].value(name, "(absent)");
    if (old != value) {
      throw Error::format("{}: cannot resume: {} was {}, now {}", path.string(), name,
                          in_quotes(old), in_quotes(value));
    }
  }
}

}  // namespace

Journal::Journal(std::filesystem::path path, int descriptor)
    : path_(std::move(path)),
      descriptor_(descriptor),
      last_sync_(std::chrono::steady_clock::now()) {}

Journal::Journal(Journal&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      last_sync_(other.last_sync_) {}

Journal::~Journal() {
  if (descriptor_ >= 0) {
    ::fsync(descriptor_);
    ::close(descriptor_);
  }
}

Journal Journal::create(const std::filesystem::path& path, const Settings& settings) {
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    if (errno == EEXIST) {
      throw Error::format(
          "{}: an unfinished run left this journal; add --resume to complete it, or --overwrite to "
          "start anew",
          path.string());
    }
    throw Error::format("{}: cannot create: {}", path.string(), std::strerror(errno));
  }
  Journal journal(path, descriptor);
  write_all(descriptor, header_line(settings) + "\n", path);
  journal.sync();
  return journal;
}

Journal Journal::resume(const std::filesystem::path& path, const Settings& settings,
                        std::vector<std::string>& lines) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error::format("{}: cannot resume: {}", path.string(), std::strerror(errno));
  std::stringstream buffer;
  buffer << file.rdbuf();
  const std::string text = buffer.str();
  size_t begin = 0;
  bool header = true;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string line = text.substr(begin, end - begin);
    if (header) {
      check_settings(line, settings, path);
      header = false;
    } else {
      lines.push_back(std::move(line));
    }
  }
  if (header)
    throw Error::format("{}: not a molgen3d journal (no complete header line)", path.string());
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0)
    throw Error::format("{}: cannot append: {}", path.string(), std::strerror(errno));
  // A line without its newline was being written when the run died: its sample is done again.
  if (::ftruncate(descriptor, static_cast<off_t>(begin)) != 0) {
    const int cause = errno;
    ::close(descriptor);
    throw Error::format("{}: cannot cut the torn last line: {}", path.string(),
                        std::strerror(cause));
  }
  return {path, descriptor};
}

void Journal::append(const std::string& line) {
  write_all(descriptor_, line + "\n", path_);
  if (std::chrono::steady_clock::now() - last_sync_ >= kSyncInterval) sync();
}

void Journal::sync() {
  if (::fsync(descriptor_) != 0) {
    throw Error::format("{}: cannot sync: {}", path_.string(), std::strerror(errno));
  }
  last_sync_ = std::chrono::steady_clock::now();
}

void Journal::remove() {
  ::close(descriptor_);
  descriptor_ = -1;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace molgen3d
