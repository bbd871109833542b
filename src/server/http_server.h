// Listens, and runs the connections on one thread.
#pragma once

#include <cstdint>
#include <memory>

#include "server/settings.h"

namespace molgen3d {

class HttpHandler;

class HttpServer {
 public:
  /// Binds. Throws Error when the address cannot be had.
  HttpServer(const ServerSettings& settings, HttpHandler& handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  /// From now on connections are accepted. Throws Error.
  void listen();
  /// The network's thread: until drain() is through, or stop().
  void run();
  /// Any thread: no further connections; those that are there end after their answer.
  void drain();
  /// Any thread: ends all connections.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace molgen3d
