#include "dataset/worker_pool.h"

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"

namespace molgen3d {

namespace {

using Clock = std::chrono::steady_clock;

/// Before the bytes of every message.
struct Header {
  uint64_t size = 0;
  uint64_t failed = 0;  ///< the bytes are the cause
};

size_t usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<size_t>(CPU_COUNT(&set));
  return 1;
}

bool send_all(int socket, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t count = ::send(socket, data, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    data += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

bool send_message(int socket, const std::string& bytes, bool failed) {
  const Header header{bytes.size(), failed ? 1U : 0U};
  return send_all(socket, reinterpret_cast<const char*>(&header), sizeof header) &&
         send_all(socket, bytes.data(), bytes.size());
}

bool receive_all(int socket, char* data, size_t size) {
  while (size > 0) {
    const ssize_t count = ::recv(socket, data, size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    data += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

std::string death(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    return fmt::format("the worker process died of signal {} ({})", number, strsignal(number));
  }
  return fmt::format("the worker process ended with code {}", WEXITSTATUS(status));
}

}  // namespace

WorkerPool::WorkerPool(size_t workers, std::chrono::milliseconds timeout, Handler handler)
    : handler_(std::move(handler)), timeout_(timeout) {
  workers_.resize(workers != 0 ? workers : usable_cores());
  for (Worker& worker : workers_) start(worker);
}

WorkerPool::~WorkerPool() {
  for (Worker& worker : workers_) stop(worker);
}

void WorkerPool::start(Worker& worker) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    throw Error::format("cannot start a worker process: {}", std::strerror(errno));
  }
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int cause = errno;
    ::close(pair[0]);
    ::close(pair[1]);
    throw Error::format("cannot start a worker process: {}", std::strerror(cause));
  }
  if (pid == 0) {
    // The parent decides when a child ends: the terminal's interrupt goes to the whole group.
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    // With another child's socket open here, the parent would not see that child's end.
    for (const Worker& other : workers_) {
      if (other.socket >= 0) ::close(other.socket);
    }
    ::close(pair[0]);
    serve(pair[1]);
  }
  ::close(pair[1]);
  worker = Worker();
  worker.pid = pid;
  worker.socket = pair[0];
}

void WorkerPool::serve(int socket) {
  std::string task;
  for (;;) {
    Header header;
    if (!receive_all(socket, reinterpret_cast<char*>(&header), sizeof header)) ::_exit(0);
    task.resize(header.size);
    if (!receive_all(socket, task.data(), task.size())) ::_exit(0);
    std::string reply;
    bool failed = false;
    try {
      reply = handler_(task);
    } catch (const std::exception& error) {
      reply = error.what();
      failed = true;
    }
    // _exit: destructors and buffers here are copies of the parent's.
    if (!send_message(socket, reply, failed)) ::_exit(0);
  }
}

void WorkerPool::stop(Worker& worker) {
  if (worker.pid <= 0) return;
  ::kill(worker.pid, SIGKILL);
  ::close(worker.socket);
  while (::waitpid(worker.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  worker = Worker();
}

void WorkerPool::submit(uint64_t id, std::string task) {
  queue_.push_back({id, std::move(task)});
  hand_out();
}

void WorkerPool::hand_out() {
  for (Worker& worker : workers_) {
    if (queue_.empty()) return;
    if (worker.busy) continue;
    Task& task = queue_.front();
    if (!send_message(worker.socket, task.bytes, false)) {
      // An idle child was killed from outside: replace it and try once more.
      stop(worker);
      start(worker);
      if (!send_message(worker.socket, task.bytes, false)) {
        throw Error::format("cannot reach a worker process: {}", std::strerror(errno));
      }
    }
    worker.busy = true;
    worker.id = task.id;
    worker.deadline = Clock::now() + timeout_;
    ++running_;
    queue_.pop_front();
  }
}

WorkerPool::Result WorkerPool::bury(Worker& worker, Result::Status status, std::string cause) {
  Result result;
  result.id = worker.id;
  result.status = status;
  if (status == Result::Status::kCrashed) {
    int how = 0;
    while (::waitpid(worker.pid, &how, 0) < 0 && errno == EINTR) {
    }
    cause = death(how);
    ::close(worker.socket);
    worker = Worker();
  } else {
    stop(worker);
  }
  result.cause = std::move(cause);
  --running_;
  start(worker);
  return result;
}

std::optional<WorkerPool::Result> WorkerPool::receive(Worker& worker) {
  char buffer[1 << 16];
  const ssize_t count = ::recv(worker.socket, buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (count <= 0) return bury(worker, Result::Status::kCrashed, "");
  worker.received.append(buffer, static_cast<size_t>(count));
  Header header;
  if (worker.received.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, worker.received.data(), sizeof header);
  if (worker.received.size() < sizeof header + header.size) return std::nullopt;
  Result result;
  result.id = worker.id;
  std::string bytes = worker.received.substr(sizeof header);
  result.status = header.failed != 0 ? Result::Status::kFailed : Result::Status::kDone;
  (header.failed != 0 ? result.cause : result.reply) = std::move(bytes);
  worker.received.clear();
  worker.busy = false;
  --running_;
  return result;
}

std::optional<WorkerPool::Result> WorkerPool::wait(std::chrono::milliseconds patience) {
  const Clock::time_point end = Clock::now() + patience;
  for (;;) {
    hand_out();
    if (running_ == 0) return std::nullopt;
    std::vector<pollfd> sockets;
    std::vector<Worker*> owners;
    Clock::time_point wake = end;
    for (Worker& worker : workers_) {
      if (!worker.busy) continue;
      sockets.push_back({worker.socket, POLLIN, 0});
      owners.push_back(&worker);
      wake = std::min(wake, worker.deadline);
    }
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(wake - Clock::now()).count();
    const int ready =
        ::poll(sockets.data(), sockets.size(), static_cast<int>(std::max<int64_t>(pause, 0)));
    if (ready < 0 && errno != EINTR) {
      throw Error::format("worker processes: {}", std::strerror(errno));
    }
    for (size_t i = 0; ready > 0 && i < sockets.size(); ++i) {
      if (sockets[i].revents == 0) continue;
      if (auto result = receive(*owners[i])) return result;
    }
    const Clock::time_point now = Clock::now();
    for (Worker* worker : owners) {
      if (worker->busy && worker->deadline <= now) {
        return bury(
            *worker, Result::Status::kTimeout,
            fmt::format("killed after {:g} s", static_cast<double>(timeout_.count()) / 1000.0));
      }
    }
    if (now >= end || ready < 0) return std::nullopt;
  }
}

}  // namespace molgen3d
