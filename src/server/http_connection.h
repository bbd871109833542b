// One connection: requests in, answers out, one after the other. Runs on the network's thread.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "server/asio.h"
#include "server/http_message.h"
#include "server/settings.h"

namespace molgen3d {

/// Who answers. Called from the network's thread; must not wait.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Judges a request by its head, before its body is read; nothing: go on.
  virtual std::optional<HttpAnswer> refuse(const HttpRequest& head) = 0;
  virtual void handle(HttpRequest request, std::shared_ptr<Responder> responder) = 0;
  /// An answer is out, or was broken off.
  virtual void answered(const std::string& path, unsigned status, double seconds) = 0;
  virtual void connections(int change) = 0;
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  /// Any stream socket, so that tests and fuzzers need no network.
  using Socket = net::generic::stream_protocol::socket;

  HttpConnection(net::io_context& io, Socket socket, HttpHandler& handler,
                 const ServerLimits& limits);
  ~HttpConnection();

  void start() { read_head(); }
  /// Ends after the answer that is being made; at once when there is none.
  void drain();
  void close();

 private:
  class Exchange;

  void read_head();
  void on_head(beast::error_code error);
  void read_body();
  void on_body(beast::error_code error);
  void on_bad_head(beast::error_code error);
  /// Answers a request that is not read to its end, and ends the connection.
  void refuse_unread(HttpAnswer answer);
  void begin_exchange(bool chunks);
  void watch_reader();
  void send(std::string bytes);
  void write_next();
  void end_exchange(bool keep);
  void linger();
  void discard();
  void report(const Exchange& exchange);

  net::io_context& io_;
  beast::basic_stream<net::generic::stream_protocol> stream_;
  HttpHandler& handler_;
  const ServerLimits& limits_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpRequest request_;
  std::optional<HttpAnswer> refused_;   ///< the answer when the rest of the request is in
  std::shared_ptr<Exchange> exchange_;  ///< the answer being made
  /// Both while an answer is made, when nothing else may hold the connection or the thread.
  std::shared_ptr<HttpConnection> alive_;
  std::optional<net::executor_work_guard<net::io_context::executor_type>> busy_;
  std::deque<std::string> outbox_;
  size_t discarded_ = 0;
  bool writing_ = false;
  bool ending_ = false;  ///< the exchange is over when the outbox is empty
  bool keep_alive_ = true;
  bool lingering_ = false;  ///< unread bytes of a refused request are thrown away before the close
  bool draining_ = false;
  bool closed_ = false;
  std::chrono::steady_clock::time_point began_;
};

/// Status line and fields, ready to send. `length`: of the body; nothing: it comes in chunks, or
/// with HTTP/1.0 up to the end of the connection.
std::string http_head(const HttpAnswer& answer, std::optional<size_t> length, bool keep_alive,
                      bool chunks);

}  // namespace molgen3d
