#include "trace/store/column_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "base/text_hash.h"
#include "trace/store/column_cache_file.h"

namespace molgen3d::trace {
namespace {

namespace fs = std::filesystem;

// Temporary files of runs that were killed while they wrote.
void remove_old_temporaries(const fs::path& folder) {
  std::error_code ignored;
  const auto now = fs::file_time_type::clock::now();
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().find(".cols.tmp.") == std::string::npos) continue;
    const auto written = entry.last_write_time(ignored);
    if (!ignored && now - written > std::chrono::hours(24)) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

std::string cache_path(const std::string& trace_path) {
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  fs::path folder;
  if (xdg != nullptr && *xdg == '/') {  // relative ones are to be ignored, says its specification
    folder = xdg;
  } else if (home != nullptr && *home != '\0') {
    folder = fs::path(home) / ".cache";
  } else {
    return "";
  }
  std::error_code error;
  const std::string absolute = fs::absolute(trace_path, error).string();
  return (folder / "molgen3d" / fmt::format("{:016x}.cols", text_hash(absolute))).string();
}

std::optional<Trace> load_column_cache(const std::string& trace_path) {
  const std::string path = cache_path(trace_path);
  return path.empty() ? std::nullopt : cache::load(path, trace_path);
}

std::string save_column_cache(const Trace& trace, std::string& problem) {
  if (trace.stopped_by_limit || trace.from_cache || !trace.source) return "";
  const std::string path = cache_path(trace.path);
  if (path.empty()) {
    problem = "neither XDG_CACHE_HOME nor HOME names a folder";
    return "";
  }
  const fs::path folder = fs::path(path).parent_path();
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);  // a trace may be private
  if (error) {
    problem = fmt::format("{}: {}", folder.string(), error.message());
    return "";
  }
  remove_old_temporaries(folder);
  return cache::save(path, trace, problem) ? path : "";
}

}  // namespace molgen3d::trace
