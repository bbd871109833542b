// The answer to one request: what other threads hold of a connection.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "server/http_connection.h"

namespace molgen3d {

class HttpConnection::Exchange : public Responder,
                                 public std::enable_shared_from_this<HttpConnection::Exchange> {
 public:
  Exchange(HttpConnection& connection, const HttpRequest& request, bool chunks, bool keep_alive);

  // Responder: any thread.
  void answer(HttpAnswer answer) override;
  void begin(HttpAnswer answer) override;
  void write(std::string part) override;
  void end(std::vector<std::pair<std::string, std::string>> trailers) override;
  void abort() override;
  bool crowded() const override { return !gone_ && unsent_ > most_unsent_; }
  void watch(std::function<void()> room, std::function<void()> gone) override;

  // The network's thread.
  void sent(size_t bytes);
  /// The reader has left.
  void leave();
  /// The answer is out: nobody is called any more.
  void forget();
  const std::string& path() const { return path_; }
  unsigned status() const { return status_; }

 private:
  /// Sends `bytes` unless the connection is gone; then the exchange may be over.
  void post(std::string bytes, bool last, bool keep);

  net::io_context& io_;
  const std::weak_ptr<HttpConnection> connection_;
  const std::string path_;
  const bool chunks_, keep_alive_, head_only_;
  const int64_t most_unsent_;
  std::atomic<unsigned> status_{0};
  std::atomic<int64_t> unsent_{0};  ///< bytes; below 0 for what was sent before the answer
  std::atomic<bool> gone_{false};
  std::mutex mutex_;
  std::function<void()> on_room_, on_gone_;
};

}  // namespace molgen3d
