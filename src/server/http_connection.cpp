#include "server/http_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "server/http_exchange.h"

namespace molgen3d {

namespace {

constexpr uint32_t kHeadBytes = 16 * 1024;
// A refused body up to this size is read, so that the connection can go on.
constexpr size_t kSmallBody = 64 * 1024;
// Of a refused request, read so that the answer is not lost to a reset (RFC 9112, 9.6).
constexpr size_t kLingerBytes = size_t{16} << 20;
constexpr auto kLinger = std::chrono::seconds(10);

std::chrono::steady_clock::duration seconds(double value) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(value));
}

std::string text_of(beast::string_view view) {
  return {view.data(), view.size()};
}

template <typename Message>
HttpRequest request_of(const Message& message, size_t length) {
  HttpRequest out;
  out.method = text_of(message.method_string());
  out.path = text_of(message.target());
  if (const size_t query = out.path.find('?'); query != std::string::npos) out.path.resize(query);
  out.host = text_of(message[http::field::host]);
  out.origin = text_of(message[http::field::origin]);
  out.authorization = text_of(message[http::field::authorization]);
  out.content_type = text_of(message[http::field::content_type]);
  out.accept_encoding = text_of(message[http::field::accept_encoding]);
  out.if_none_match = text_of(message[http::field::if_none_match]);
  out.content_length = length;
  return out;
}

}  // namespace

std::string http_head(const HttpAnswer& answer, std::optional<size_t> length, bool keep_alive,
                      bool chunks) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, status_text(answer.status));
  if (!answer.content_type.empty()) head += "Content-Type: " + answer.content_type + "\r\n";
  for (const auto& [name, value] : answer.fields) head += name + ": " + value + "\r\n";
  head += "X-Content-Type-Options: nosniff\r\n";
  if (length) head += fmt::format("Content-Length: {}\r\n", *length);
  if (!length && chunks) head += "Transfer-Encoding: chunked\r\n";
  head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

HttpConnection::HttpConnection(net::io_context& io, Socket socket, HttpHandler& handler,
                               const ServerLimits& limits)
    : io_(io), stream_(std::move(socket)), handler_(handler), limits_(limits) {
  handler_.connections(+1);
}

HttpConnection::~HttpConnection() {
  if (exchange_) exchange_->leave();
  handler_.connections(-1);
}

void HttpConnection::close() {
  if (std::exchange(closed_, true)) return;
  beast::error_code ignored;
  stream_.socket().close(ignored);
  const std::shared_ptr<HttpConnection> self = std::move(alive_);  // to the end of this function
  busy_.reset();
  if (const auto exchange = std::exchange(exchange_, nullptr)) {
    report(*exchange);
    exchange->leave();
  }
}

void HttpConnection::drain() {
  draining_ = true;
  keep_alive_ = false;
  const bool waits_for_head =
      !exchange_ && !writing_ && buffer_.size() == 0 && (!parser_ || !parser_->is_header_done());
  if (waits_for_head) close();
}

void HttpConnection::read_head() {
  if (draining_) return close();
  parser_.emplace();
  parser_->header_limit(kHeadBytes);
  parser_->body_limit(limits_.body_bytes);
  stream_.expires_after(seconds(limits_.idle_seconds));
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](beast::error_code error, size_t) { self->on_head(error); });
}

void HttpConnection::on_bad_head(beast::error_code error) {
  // A reader who leaves, is late or breaks the connection gets no answer; one who speaks no HTTP
  // does.
  const bool of_the_network = error == beast::error::timeout ||
                              error.category() == net::error::get_system_category() ||
                              error.category() == net::error::get_misc_category();
  if (of_the_network || error == http::error::end_of_stream ||
      error == http::error::partial_message)
    return close();
  if (error == http::error::body_limit) {
    return refuse_unread(
        error_answer(413, fmt::format("the body is larger than {} bytes", limits_.body_bytes)));
  }
  const bool too_long = error == http::error::header_limit || error == http::error::buffer_overflow;
  refuse_unread(error_answer(too_long ? 431 : 400, "not HTTP: " + error.message()));
}

void HttpConnection::on_head(beast::error_code error) {
  if (closed_) return;
  began_ = std::chrono::steady_clock::now();
  request_ = {};
  refused_.reset();
  if (error) return on_bad_head(error);
  const auto length = parser_->content_length();
  const size_t announced = length ? static_cast<size_t>(*length) : 0;
  keep_alive_ = parser_->keep_alive() && !draining_;
  request_ = request_of(parser_->get(), announced);
  const bool asks_first = beast::iequals(parser_->get()[http::field::expect], "100-continue");
  refused_ = handler_.refuse(request_);
  if (refused_ && (asks_first || announced > kSmallBody || parser_->chunked()))
    return refuse_unread(std::move(*refused_));
  if (asks_first) send("HTTP/1.1 100 Continue\r\n\r\n");
  read_body();
}

void HttpConnection::read_body() {
  stream_.expires_after(seconds(limits_.idle_seconds));
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](beast::error_code error, size_t) { self->on_body(error); });
}

void HttpConnection::on_body(beast::error_code error) {
  if (closed_) return;
  if (error) return on_bad_head(error);
  begin_exchange(parser_->get().version() >= 11);
  watch_reader();
  if (refused_) return exchange_->answer(std::move(*refused_));
  request_.body = std::move(parser_->get().body());
  handler_.handle(std::move(request_), exchange_);
}

void HttpConnection::begin_exchange(bool chunks) {
  exchange_ = std::make_shared<Exchange>(*this, request_, chunks, keep_alive_);
  alive_ = shared_from_this();
  busy_.emplace(io_.get_executor());
  stream_.expires_never();
}

void HttpConnection::refuse_unread(HttpAnswer answer) {
  keep_alive_ = false;
  lingering_ = true;
  begin_exchange(false);
  exchange_->answer(std::move(answer));
}

// While the answer is made nothing is read: the end of the connection is seen without taking bytes
// of a next request.
void HttpConnection::watch_reader() {
  stream_.socket().async_wait(
      net::socket_base::wait_read,
      [self = shared_from_this(), exchange = exchange_](beast::error_code error) {
        if (error || self->closed_ || self->exchange_ != exchange) return;
        char byte = 0;
        const auto count =
            ::recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        const bool left = count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
        if (left) self->close();
      });
}

void HttpConnection::send(std::string bytes) {
  if (closed_) return;
  outbox_.push_back(std::move(bytes));
  if (!writing_) write_next();
}

void HttpConnection::write_next() {
  writing_ = true;
  stream_.expires_after(seconds(limits_.write_seconds));
  net::async_write(stream_, net::buffer(outbox_.front()),
                   [self = shared_from_this()](beast::error_code error, size_t size) {
                     self->writing_ = false;
                     if (error || self->closed_) return self->close();
                     self->outbox_.pop_front();
                     if (self->exchange_) self->exchange_->sent(size);
                     if (!self->outbox_.empty()) return self->write_next();
                     if (self->ending_) self->end_exchange(self->keep_alive_);
                   });
}

void HttpConnection::end_exchange(bool keep) {
  if (closed_) return;
  keep_alive_ = keep && !draining_;
  ending_ = true;
  if (writing_) return;
  ending_ = false;
  report(*exchange_);
  exchange_->forget();
  exchange_.reset();
  busy_.reset();
  const std::shared_ptr<HttpConnection> self = std::move(alive_);  // to the end of this function
  if (lingering_) return linger();
  if (!keep_alive_) {
    beast::error_code ignored;
    stream_.socket().shutdown(net::socket_base::shutdown_send, ignored);
    return close();
  }
  read_head();
}

void HttpConnection::linger() {
  beast::error_code ignored;
  stream_.socket().shutdown(net::socket_base::shutdown_send, ignored);
  buffer_.clear();
  stream_.expires_after(kLinger);
  discard();
}

void HttpConnection::discard() {
  stream_.async_read_some(buffer_.prepare(kSmallBody),
                          [self = shared_from_this()](beast::error_code error, size_t size) {
                            self->discarded_ += size;
                            if (error || self->closed_ || self->discarded_ > kLingerBytes)
                              return self->close();
                            self->discard();
                          });
}

void HttpConnection::report(const Exchange& exchange) {
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began_;
  handler_.answered(exchange.path(), exchange.status(), taken.count());
}

}  // namespace molgen3d
