#include "cluster/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "base/error.h"

namespace molgen3d {

namespace {

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw Error::format("cannot make a pipe: {}", std::strerror(errno));
    read = ends[0];
    write = ends[1];
  }
  ~Pipe() {
    close_end(read);
    close_end(write);
  }
  static void close_end(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

// Between fork and exec: only what is safe in a signal handler.
[[noreturn]] void become(char* const* words, const char* folder, int failure) {
  // What a terminal sends to us is ours to hand on; and who starts a program watches it.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int ours : {SIGPIPE, SIGXFSZ, SIGUSR1, SIGINT, SIGTERM}) std::signal(ours, SIG_DFL);
  if (*folder == 0 || ::chdir(folder) == 0) ::execvp(words[0], words);
  const int cause = errno;
  (void)!::write(failure, &cause, sizeof cause);
  ::_exit(127);
}

pid_t start(const std::vector<std::string>& words, const std::string& folder,
            const int streams[3]) {
  Pipe failure;
  const std::vector<char*> arguments = pointers(words);
  const pid_t child = ::fork();
  if (child < 0) throw Error::format("{}: cannot be started: {}", words[0], std::strerror(errno));
  if (child == 0) {
    for (int i = 0; i < 3; ++i) {
      if (streams[i] >= 0) ::dup2(streams[i], i);
    }
    become(arguments.data(), folder.c_str(), failure.write);
  }
  Pipe::close_end(failure.write);
  int cause = 0;
  ssize_t got;
  while ((got = ::read(failure.read, &cause, sizeof cause)) < 0 && errno == EINTR) {
  }
  if (got <= 0) return child;
  ::waitpid(child, nullptr, 0);
  throw Error::format("{}: cannot be started: {}", words[0], std::strerror(cause));
}

// A reader that has gone is an error of writing here, not the end of our process.
ssize_t write_quietly(int pipe, const std::string& text) {
  sigset_t broken, before;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  const ssize_t count = ::write(pipe, text.data(), std::min<size_t>(text.size(), 1 << 16));
  const timespec now{0, 0};
  if (count < 0 && errno == EPIPE && sigismember(&before, SIGPIPE) == 0)
    sigtimedwait(&broken, nullptr, &now);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return count;
}

// Both pipes at once, and the input: none of the three can block the others.
void exchange(Pipe& in, Pipe& out, Pipe& err, const std::string& input, CommandResult& result) {
  size_t written = 0;
  if (input.empty()) Pipe::close_end(in.write);
  while (out.read >= 0 || err.read >= 0 || in.write >= 0) {
    pollfd ends[3] = {{out.read, POLLIN, 0}, {err.read, POLLIN, 0}, {in.write, POLLOUT, 0}};
    if (::poll(ends, 3, -1) < 0 && errno != EINTR) break;
    const auto take = [](pollfd& end, int& descriptor, std::string& text) {
      if (end.revents == 0) return;
      char buffer[1 << 14];
      const ssize_t count = ::read(descriptor, buffer, sizeof buffer);
      if (count > 0) text.append(buffer, static_cast<size_t>(count));
      if (count == 0) Pipe::close_end(descriptor);
    };
    take(ends[0], out.read, result.output);
    take(ends[1], err.read, result.error);
    if (ends[2].revents == 0) continue;
    const ssize_t count = write_quietly(in.write, input.substr(written));
    if (count > 0) written += static_cast<size_t>(count);
    if (count < 0 || written == input.size()) Pipe::close_end(in.write);
  }
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& words, const std::string& input) {
  Pipe in, out, err;
  const int streams[3] = {in.read, out.write, err.write};
  const pid_t child = start(words, "", streams);
  Pipe::close_end(in.read);
  Pipe::close_end(out.write);
  Pipe::close_end(err.write);
  CommandResult result;
  exchange(in, out, err, input, result);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

pid_t start_program(const std::vector<std::string>& words, const std::string& folder) {
  const int streams[3] = {-1, -1, -1};
  return start(words, folder, streams);
}

std::string end_of_process(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  const int code = WEXITSTATUS(status);
  return code == 0 ? "" : fmt::format("exit code {}", code);
}

}  // namespace molgen3d
