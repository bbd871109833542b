#include "server/embedding_host.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "dataset/worker_pool.h"
#include "generation/record_output.h"
#include "generation/record_stream.h"
#include "molecule/embedding.h"
#include "molecule/stereo.h"
#include "molecule/writers.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

/// Before the bytes of every message between server and host.
struct Header {
  uint64_t id = 0;
  uint32_t size = 0;
  uint32_t failed = 0;  ///< the bytes are the cause
};

bool send_all(int socket, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t count = ::send(socket, at, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

bool receive_all(int socket, void* data, size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t count = ::recv(socket, at, size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

bool send_message(int socket, uint64_t id, const std::string& bytes, bool failed) {
  const Header header{id, static_cast<uint32_t>(bytes.size()), failed ? 1U : 0U};
  return send_all(socket, &header, sizeof header) && send_all(socket, bytes.data(), bytes.size());
}

bool receive_message(int socket, Header& header, std::string& bytes) {
  if (!receive_all(socket, &header, sizeof header)) return false;
  bytes.resize(header.size);
  return receive_all(socket, bytes.data(), bytes.size());
}

std::string text_of(const EmbeddingTask& task) {
  return Json{{"smiles", task.smiles},
              {"n", task.conformers},
              {"seed", task.seed},
              {"hydrogens", task.add_hydrogens}}
      .dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
}

std::string work(const std::string& text) {
  const Json json = Json::parse(text);
  return embedded_lines({.smiles = json["smiles"],
                         .conformers = json["n"],
                         .seed = json["seed"],
                         .add_hydrogens = json["hydrogens"]});
}

/// The host's life: tasks in, results out, until the server closes its end.
void serve(int socket, size_t workers, double seconds) {
  constexpr auto kLook = std::chrono::milliseconds(20);
  const std::chrono::milliseconds timeout(static_cast<int64_t>(1000 * seconds));
  WorkerPool pool(workers, timeout, work);
  for (;;) {
    pollfd ready{socket, POLLIN, 0};
    const int wait = pool.outstanding() > 0 ? 0 : -1;
    if (::poll(&ready, 1, wait) > 0) {
      Header header;
      std::string bytes;
      if (!receive_message(socket, header, bytes)) return;
      pool.submit(header.id, std::move(bytes));
    }
    if (pool.outstanding() == 0) continue;
    const auto result = pool.wait(kLook);
    if (!result) continue;
    const bool done = result->status == WorkerPool::Result::Status::kDone;
    const std::string cause = result->status == WorkerPool::Result::Status::kTimeout
                                  ? fmt::format("no embedding within {} s", seconds)
                                  : result->cause;
    if (!send_message(socket, result->id, done ? result->reply : cause, !done)) return;
  }
}

}  // namespace

std::string embedded_lines(const EmbeddingTask& task) {
  const InputRecord record = record_of_text(task.smiles);
  if (!record.ok()) throw Error(record.cause);
  const Molecule molecule = molecule_of(record);
  const EmbedSettings settings{.conformers = task.conformers};
  const Embedding embedding = embed_conformers(molecule, settings, task.seed);
  if (embedding.failure != EmbedFailure::kNone) throw Error(embedding.cause);
  std::string out;
  for (size_t i = 0; i < embedding.conformers.size(); ++i) {
    const Molecule placed = molecule.with_coordinates(embedding.conformers[i]);
    const double energy = embedding.energies[i];
    PropertyList properties = {{"SOURCE", "ETKDG"},
                               {"FORCE_FIELD", force_field_name(embedding.force_field)},
                               {"SEED", std::to_string(task.seed)},
                               {"SAMPLE", std::to_string(i)}};
    if (std::isfinite(energy)) properties.emplace_back("ENERGY", fmt::format("{:.4f}", energy));
    const Json line = {
        {"source", "ETKDG"},
        {"sample", i},
        {"force_field", force_field_name(embedding.force_field)},
        {"energy", std::isfinite(energy) ? Json(energy) : Json(nullptr)},
        {"stereo", stereo_summary(judge_stereo(placed))},
        {"sdf", sdf_record(placed, properties, {.add_hydrogens = task.add_hydrogens})}};
    out += line.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
  }
  return out;
}

EmbeddingHost::EmbeddingHost(size_t workers, double seconds) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error("no socket for the process that embeds");
  pid_ = ::fork();
  if (pid_ < 0) throw Error("no process that embeds can be made");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The server decides when this ends; a terminal's Ctrl-C is for the server.
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, SIG_IGN);
    ::close(ends[0]);
    try {
      serve(ends[1], workers, seconds);
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  socket_ = ends[0];
}

EmbeddingHost::~EmbeddingHost() {
  ::shutdown(socket_, SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
  ::close(socket_);
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void EmbeddingHost::ask(const EmbeddingTask& task, Done done) {
  std::call_once(heard_, [this] { thread_ = std::thread([this] { hear(); }); });
  const std::lock_guard lock(mutex_);
  const uint64_t id = next_++;
  if (send_message(socket_, id, text_of(task), false)) {
    open_[id] = std::move(done);
  } else {
    done({"the process that embeds is gone", ""});
  }
}

void EmbeddingHost::hear() {
  Header header;
  std::string bytes;
  while (receive_message(socket_, header, bytes)) {
    Done done;
    {
      const std::lock_guard lock(mutex_);
      const auto found = open_.find(header.id);
      if (found == open_.end()) continue;
      done = std::move(found->second);
      open_.erase(found);
    }
    Reply reply;
    (header.failed != 0 ? reply.cause : reply.lines) = std::move(bytes);
    done(std::move(reply));
  }
  std::map<uint64_t, Done> open;
  {
    const std::lock_guard lock(mutex_);
    open.swap(open_);
  }
  for (auto& [id, done] : open) done({"the process that embeds is gone", ""});
}

}  // namespace molgen3d
