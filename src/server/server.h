// A server as one object: the engine's thread, the workers, the network.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "generation/model.h"
#include "generation/settings.h"
#include "server/settings.h"

namespace molgen3d {

class Server {
 public:
  /// Binds the address; nothing listens yet. Forks the process for ETKDG: the calling process must
  /// not run other threads yet. Throws Error when it cannot be had, or needs a token.
  explicit Server(const ServerSettings& settings);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Makes the backend and begins to listen. `run`: device, arithmetic, batch, threads. Throws
  /// Error.
  void start(std::shared_ptr<const Model> model, const RunSettings& run);
  /// `http://127.0.0.1:8000`
  std::string url() const;
  /// Of the backend.
  const std::string& description() const;
  /// Lines worth showing: what the checkpoint and the device's memory do to the run.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Serves until drain() is through, or stop(). Throws Error when the engine breaks down.
  void run();
  /// Any thread: accepted requests are finished, further ones refused.
  void drain();
  /// Any thread: accepted requests are broken off.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::vector<std::string> notes_;
};

/// The secret of a token file: its first line, at least 16 printable characters. Throws Error.
std::string read_token_file(const std::string& path);

}  // namespace molgen3d
