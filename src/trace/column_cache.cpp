#include "trace/column_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "trace/column_cache_file.h"

namespace molgen3d::trace {
namespace {

using cache::File;
using cache::Source;

constexpr size_t kProbe = 64 << 10;

std::optional<Source> identify(const std::string& path) {
  const File file(path.c_str(), O_RDONLY);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::nullopt;
  }
  Source s;
  s.size = static_cast<uint64_t>(info.st_size);
  s.mtime_ns = int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec;
  std::string probe(2 * kProbe, '\0');
  const off_t tail = std::max<off_t>(0, info.st_size - static_cast<off_t>(kProbe));
  if (::pread(file.fd(), probe.data(), kProbe, 0) < 0) return std::nullopt;
  if (::pread(file.fd(), probe.data() + kProbe, kProbe, tail) < 0) return std::nullopt;
  s.hash = StringPool::hash_bytes(probe);
  return s;
}

}  // namespace

std::string cache_path_beside(const std::string& trace_path) {
  return trace_path + ".cols";
}

std::string cache_path_for_user(const std::string& trace_path) {
  namespace fs = std::filesystem;
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  fs::path directory;
  if (xdg != nullptr && *xdg != '\0') {
    directory = xdg;
  } else if (home != nullptr && *home != '\0') {
    directory = fs::path(home) / ".cache";
  } else {
    return "";
  }
  std::error_code error;
  const std::string absolute = fs::absolute(trace_path, error).string();
  return (directory / "molgen3d" / fmt::format("{:016x}.cols", StringPool::hash_bytes(absolute)))
      .string();
}

std::optional<Trace> load_column_cache(const std::string& trace_path) {
  const std::optional<Source> source = identify(trace_path);
  if (!source) return std::nullopt;
  for (const std::string& path : {cache_path_beside(trace_path), cache_path_for_user(trace_path)}) {
    if (path.empty()) continue;
    if (std::optional<Trace> trace = cache::load(path, trace_path, *source)) return trace;
  }
  return std::nullopt;
}

std::string save_column_cache(const Trace& trace, std::string& problem) {
  if (trace.stopped_by_limit || trace.from_cache) return "";
  const std::optional<Source> source = identify(trace.path);
  if (!source || source->size != trace.file_bytes) {
    problem = trace.path + ": changed while it was read";
    return "";
  }
  const std::string beside = cache_path_beside(trace.path);
  if (cache::save(beside, trace, *source, problem)) return beside;
  const std::string mine = cache_path_for_user(trace.path);
  if (mine.empty()) return "";
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(mine).parent_path(), error);
  if (cache::save(mine, trace, *source, problem)) return mine;
  return "";
}

}  // namespace molgen3d::trace
