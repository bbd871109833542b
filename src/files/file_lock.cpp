#include "files/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace molgen3d {

bool names_file(const std::filesystem::path& path, int descriptor) {
  struct stat named {};
  struct stat open {};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(descriptor, &open) == 0 &&
         named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

bool sync_to_disk(int descriptor) {
  return ::fsync(descriptor) == 0 || errno == EINVAL || errno == ENOSYS || errno == ENOTSUP;
}

int open_locked(const std::filesystem::path& path, int flags) {
  for (;;) {
    // O_NONBLOCK: a FIFO of this name must not make the program wait.
    const int descriptor =
        ::open(path.c_str(), flags | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0644);
    if (descriptor < 0) {
      throw Error::format("{}: cannot create: {}", path.string(),
                          errno == ENXIO ? "not a regular file" : std::strerror(errno));
    }
    struct stat info {};
    if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
      ::close(descriptor);
      throw Error::format("{}: cannot create: not a regular file", path.string());
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor);
      throw Error::format("{}: another process is writing this run; wait for it, or end it",
                          path.string());
    }
    // Between opening and locking its last owner may have removed or renamed it.
    if (names_file(path, descriptor)) return descriptor;
    ::close(descriptor);
  }
}

}  // namespace molgen3d
