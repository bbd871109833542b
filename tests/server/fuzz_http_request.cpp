// Any bytes as what a client sends: the connection answers what is HTTP, says 4xx to what is not,
// and ends; what it answers is whole.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "server/access.h"
#include "server/http_connection.h"

using namespace molgen3d;

static void require(bool condition) {
  if (!condition) std::abort();
}

namespace {

/// Answers with what was sent: every second time in parts.
class Echo : public HttpHandler {
 public:
  std::optional<HttpAnswer> refuse(const HttpRequest& head) override {
    require(!head.method.empty() && head.path.find('?') == std::string::npos);
    return refuse_access(head, settings_, head.path == "/secret");
  }
  void handle(HttpRequest request, std::shared_ptr<Responder> responder) override {
    require(request.body.size() <= kMostBody);
    if (handled_++ % 2 == 0) {
      HttpAnswer answer;
      answer.body = std::move(request.body);
      return responder->answer(std::move(answer));
    }
    responder->begin({});
    responder->write(request.path);
    responder->write(request.body);
    responder->end({{"X-Length", std::to_string(request.body.size())}});
  }
  void answered(const std::string& /*path*/, unsigned status, double /*seconds*/) override {
    require(status >= 200 && status < 600);
    ++answered_;
  }
  void connections(int change) override { open_ += change; }

  static constexpr size_t kMostBody = 4096;
  int open_ = 0;
  size_t handled_ = 0, answered_ = 0;

 private:
  ServerSettings settings_ = [] {
    ServerSettings settings;
    settings.token = "a secret of this test";
    return settings;
  }();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 60000) return 0;  // what a socket holds without a reader
  net::io_context io(1);
  net::local::stream_protocol::socket ours(io), theirs(io);
  net::local::connect_pair(ours, theirs);
  Echo handler;
  ServerLimits limits;
  limits.body_bytes = Echo::kMostBody;
  {
    const auto connection = std::make_shared<HttpConnection>(
        io, HttpConnection::Socket(std::move(theirs)), handler, limits);
    connection->start();
  }
  beast::error_code error;
  net::write(ours, net::buffer(data, size), error);
  ours.shutdown(net::socket_base::shutdown_send, error);
  std::string answers;
  std::string part(65536, '\0');
  std::function<void()> read = [&] {
    ours.async_read_some(net::buffer(part), [&](beast::error_code stopped, size_t count) {
      answers.append(part, 0, count);
      if (!stopped) read();
    });
  };
  read();
  io.run();
  require(handler.open_ == 0);
  require(handler.answered_ >= handler.handled_);
  require(answers.empty() || answers.starts_with("HTTP/1.1 "));
  return 0;
}
