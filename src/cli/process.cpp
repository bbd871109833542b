#include "cli/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "cli/messages.h"

namespace molgen3d {

namespace {

// The new descriptor is the lowest free one: `stream` itself, as those below are open.
void open_if_closed(int stream, int mode) {
  if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) return;
  (void)!::open("/dev/null", mode);
}

}  // namespace

void prepare_process() {
  open_if_closed(STDIN_FILENO, O_WRONLY);
  open_if_closed(STDOUT_FILENO, O_RDONLY);
  open_if_closed(STDERR_FILENO, O_RDWR);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

bool finish_standard_output() {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && std::ferror(stdout) == 0) return true;
  say(fmt::format("standard output: cannot write{}{}", errno != 0 ? ": " : "",
                  errno != 0 ? std::strerror(errno) : ""));
  return false;
}

}  // namespace molgen3d
