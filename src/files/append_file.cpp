#include "files/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr size_t kFlushBytes = size_t{1} << 20;

}  // namespace

void AppendFile::fail(const char* what) const {
  throw Error::format("{}: cannot {}: {}", path_.string(), what, std::strerror(errno));
}

AppendFile::AppendFile(std::filesystem::path path) : path_(std::move(path)) {
  open(O_CREAT | O_TRUNC, "create");
}

void AppendFile::open(int flags, const char* what) {
  // O_NONBLOCK: a FIFO of this name must not make the program wait.
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | flags, 0644);
  if (descriptor_ < 0) fail(what);
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode))
    throw Error::format("{}: cannot {}: not a regular file", path_.string(), what);
}

AppendFile::AppendFile(std::filesystem::path path, uint64_t size)
    : path_(std::move(path)), written_(size) {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) fail("resume");
  if (static_cast<uint64_t>(info.st_size) < size) {
    throw Error::format("{}: cannot resume: {} bytes, {} were written", path_.string(),
                        info.st_size, size);
  }
  if (::truncate(path_.c_str(), static_cast<off_t>(size)) != 0) fail("cut");
  open(O_APPEND, "resume");
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void AppendFile::put(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= kFlushBytes) flush();
}

void AppendFile::flush() {
  size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t count = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write");
    done += static_cast<size_t>(count);
  }
  written_ += done;
  buffer_.clear();
}

void AppendFile::sync() {
  flush();
  if (::fsync(descriptor_) != 0) fail("sync");
}

}  // namespace molgen3d
