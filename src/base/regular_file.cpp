#include "base/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace molgen3d {

bool is_present(const std::filesystem::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool is_directory_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

RegularFile::RegularFile(const std::filesystem::path& path) : path_(path.string()) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor_ < 0) {
    if (errno == ENXIO) throw Error::format("{}: not a regular file", path_);  // a socket
    throw Error::format("{}: cannot open: {}", path_, std::strerror(errno));
  }
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw Error::format("{}: not a regular file", path_);
  }
  size_ = static_cast<size_t>(status.st_size);
  changed_seconds_ = status.st_mtim.tv_sec;
  changed_nanoseconds_ = status.st_mtim.tv_nsec;
}

RegularFile::~RegularFile() {
  ::close(descriptor_);
}

std::string RegularFile::read(size_t most) const {
  std::string text(std::min(size_, most), '\0');
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t got =
        ::pread(descriptor_, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error::format("{}: cannot be read: {}", path_, std::strerror(errno));
    if (got == 0) throw Error::format("{}: became shorter while it was read", path_);
    done += static_cast<size_t>(got);
  }
  return text;
}

void RegularFile::require_unchanged() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) == 0 && static_cast<size_t>(status.st_size) == size_ &&
      status.st_mtim.tv_sec == changed_seconds_ && status.st_mtim.tv_nsec == changed_nanoseconds_) {
    return;
  }
  throw Error::format("{}: changed while it was read ({} bytes, {} when it was opened)", path_,
                      status.st_size, size_);
}

}  // namespace molgen3d
