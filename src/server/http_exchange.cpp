#include "server/http_exchange.h"

#include <fmt/format.h>

#include <utility>

namespace molgen3d {

namespace {

std::string chunk(const std::string& part) {
  return fmt::format("{:x}\r\n{}\r\n", part.size(), part);
}

}  // namespace

HttpConnection::Exchange::Exchange(HttpConnection& connection, const HttpRequest& request,
                                   bool chunks, bool keep_alive)
    : io_(connection.io_),
      connection_(connection.weak_from_this()),
      path_(request.path),
      chunks_(chunks),
      keep_alive_(keep_alive),
      head_only_(request.method == "HEAD"),
      most_unsent_(static_cast<int64_t>(connection.limits_.unsent_bytes)) {}

void HttpConnection::Exchange::post(std::string bytes, bool last, bool keep) {
  unsent_ += static_cast<int64_t>(bytes.size());
  net::post(io_, [self = shared_from_this(), bytes = std::move(bytes), last, keep]() mutable {
    const auto connection = self->connection_.lock();
    if (!connection || connection->exchange_ != self) return;
    if (!bytes.empty()) connection->send(std::move(bytes));
    if (last) connection->end_exchange(keep);
  });
}

void HttpConnection::Exchange::answer(HttpAnswer answer) {
  status_ = answer.status;
  std::string bytes = http_head(answer, answer.body.size(), keep_alive_, false);
  if (!head_only_) bytes += answer.body;
  post(std::move(bytes), true, keep_alive_);
}

void HttpConnection::Exchange::begin(HttpAnswer answer) {
  status_ = answer.status;
  std::string bytes = http_head(answer, std::nullopt, keep_alive_ && chunks_, chunks_);
  if (!answer.body.empty()) bytes += chunks_ ? chunk(answer.body) : answer.body;
  post(std::move(bytes), false, true);
}

void HttpConnection::Exchange::write(std::string part) {
  if (part.empty() || gone_) return;  // an empty chunk would be the last
  post(chunks_ ? chunk(part) : std::move(part), false, true);
}

void HttpConnection::Exchange::end(std::vector<std::pair<std::string, std::string>> trailers) {
  std::string last;
  if (chunks_) {
    last = "0\r\n";
    for (const auto& [name, value] : trailers) last += name + ": " + value + "\r\n";
    last += "\r\n";
  }
  post(std::move(last), true, keep_alive_ && chunks_);
}

// What was written is sent to its end: whole records, and then a connection that ends without the
// last chunk.
void HttpConnection::Exchange::abort() {
  post("", true, false);
}

void HttpConnection::Exchange::watch(std::function<void()> room, std::function<void()> gone) {
  bool left = false;
  {
    const std::lock_guard lock(mutex_);
    left = gone_;
    if (!left) {
      on_room_ = std::move(room);
      on_gone_ = std::move(gone);
    }
  }
  if (left) gone();
}

void HttpConnection::Exchange::sent(size_t bytes) {
  const auto count = static_cast<int64_t>(bytes);
  const int64_t before = unsent_.fetch_sub(count);
  if (before <= most_unsent_ || before - count > most_unsent_) return;
  std::function<void()> room;
  {
    const std::lock_guard lock(mutex_);
    room = on_room_;
  }
  if (room) room();
}

void HttpConnection::Exchange::forget() {
  const std::lock_guard lock(mutex_);
  on_room_ = nullptr;
  on_gone_ = nullptr;
}

void HttpConnection::Exchange::leave() {
  std::function<void()> gone;
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    gone = std::exchange(on_gone_, nullptr);
    on_room_ = nullptr;
  }
  if (gone) gone();
}

}  // namespace molgen3d
