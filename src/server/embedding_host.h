// ETKDG conformers for comparison, made in child processes: RDKit's embedding may take for ever,
// and a child can be killed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace molgen3d {

/// What is asked for.
struct EmbeddingTask {
  std::string smiles;
  uint32_t conformers = 1;
  uint64_t seed = 0;
  bool add_hydrogens = false;
};

/// One process, forked before there are threads, that keeps the workers; a thread that hears it.
class EmbeddingHost {
 public:
  struct Reply {
    std::string cause;  ///< why there is none; empty when there is
    std::string lines;  ///< JSON lines, one a conformer
  };
  using Done = std::function<void(Reply)>;

  /// Forks: the calling process must not run other threads. Throws Error when it cannot.
  EmbeddingHost(size_t workers, double seconds);
  /// Kills what is running; what was asked for is not answered.
  ~EmbeddingHost();
  EmbeddingHost(const EmbeddingHost&) = delete;
  EmbeddingHost& operator=(const EmbeddingHost&) = delete;

  /// Any thread. `done` is called from the host's thread.
  void ask(const EmbeddingTask& task, Done done);

 private:
  void hear();

  int socket_ = -1;
  pid_t pid_ = -1;
  mutable std::mutex mutex_;
  uint64_t next_ = 1;
  std::map<uint64_t, Done> open_;
  std::once_flag heard_;
  std::thread thread_;
};

/// What a worker does: lines of `{"source": "ETKDG", "energy": ..., "stereo": ..., "sdf": ...}`.
/// Throws Error with the cause.
std::string embedded_lines(const EmbeddingTask& task);

}  // namespace molgen3d
