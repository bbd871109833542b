#include "molecule/line_source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace molgen3d {

namespace {
constexpr size_t kBufferSize = size_t{1} << 18;
}

LineSource LineSource::file(const std::string& path) {
  LineSource source;
  struct stat info {};
  if (path != "-" && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    throw Error::format("{}: is a directory", path);
  }
  errno = 0;
  // zlib passes uncompressed input through, so both kinds of file take this way.
  source.file_.reset(path == "-" ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path.c_str(), "rb"));
  if (!source.file_) {
    throw Error::format("{}: cannot be opened: {}", path,
                        errno != 0 ? std::strerror(errno) : "out of memory");
  }
  source.buffer_.resize(kBufferSize);
  return source;
}

LineSource LineSource::memory(std::string text) {
  LineSource source;
  source.buffer_.assign(text.begin(), text.end());
  source.pending_ = {source.buffer_.data(), source.buffer_.size()};
  return source;
}

bool LineSource::fill() {
  if (!file_ || at_end_) return false;
  const int count = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
  int code = Z_OK;
  const char* message = gzerror(file_.get(), &code);
  // A truncated gzip stream reports Z_BUF_ERROR with whatever could still be read.
  if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    error_ = code == Z_BUF_ERROR ? "compressed data end too early"
             : code == Z_ERRNO   ? std::strerror(errno)
                                 : message;
    at_end_ = true;
  }
  if (count <= 0) {
    at_end_ = true;
    return false;
  }
  pending_ = {buffer_.data(), static_cast<size_t>(count)};
  return true;
}

LineSource::Status LineSource::next(std::string& line, size_t limit) {
  line.clear();
  bool too_long = false;
  bool anything = false;
  while (!pending_.empty() || fill()) {
    anything = true;
    const size_t feed = pending_.find('\n');
    const std::string_view part = pending_.substr(0, feed);
    const size_t kept = std::min(part.size(), limit - line.size());
    line += part.substr(0, kept);
    too_long |= kept < part.size();
    pending_.remove_prefix(std::min(part.size() + 1, pending_.size()));
    if (feed != std::string_view::npos) break;
  }
  if (!anything) {
    if (error_.empty() || error_reported_) return Status::kEnd;
    error_reported_ = true;
    return Status::kBroken;
  }
  ++line_number_;
  if (line_number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (!too_long && line.ends_with('\r')) line.pop_back();
  return too_long ? Status::kTooLong : Status::kLine;
}

}  // namespace molgen3d
