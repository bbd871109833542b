#include "cli/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "checkpoint/mapped_file.h"
#include "cli/command.h"
#include "cli/messages.h"

namespace molgen3d {

namespace {

void put(const char* text) {
  (void)!::write(STDERR_FILENO, text, std::strlen(text));
}

// Async-signal-safe. The reader cannot go on, and nothing that stands under its own name is
// half written (files/output_file.h).
void on_lost_bytes(int, siginfo_t* info, void*) {
  const char* path = mapped_file_at(info->si_addr);
  put("molgen3d: ");
  put(path != nullptr ? path : "a file");
  put(": cut short, or unreadable, while it is in use\n");
  ::_exit(kExitBadInput);
}

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
  struct sigaction lost {};
  lost.sa_sigaction = on_lost_bytes;
  lost.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &lost, nullptr);
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
