#include "server/http_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "server/http_connection.h"

namespace molgen3d {

namespace {

using net::ip::tcp;

constexpr int kBacklog = 4096;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr auto kLook = std::chrono::milliseconds(20);
constexpr auto kLastWords = std::chrono::seconds(2);

/// Room for that many sockets, as far as the system grants it.
void allow_files(size_t connections) {
  constexpr rlim_t kOthers = 128;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(connections + kOthers, limit.rlim_max);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

[[noreturn]] void refuse_address(const ServerSettings& settings, const beast::error_code& error) {
  const bool taken = error == net::error::address_in_use;
  throw Error::format("{}:{}: {}{}", settings.address, settings.port, error.message(),
                      taken ? "; another program listens there (--port chooses another)" : "");
}

}  // namespace

struct HttpServer::Impl {
  Impl(const ServerSettings& s, HttpHandler& h)
      : settings(s), handler(h), io(1), acceptor(io), pause(io) {}

  void accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (error) {  // no file is free, as a rule: it gets better when connections end
        pause.expires_after(kAcceptPause);
        pause.async_wait([this](beast::error_code stopped) {
          if (!stopped && acceptor.is_open()) accept();
        });
        return;
      }
      take(std::move(socket));
      accept();
    });
  }

  void take(tcp::socket socket) {
    std::erase_if(connections, [](const auto& each) { return each.expired(); });
    if (connections.size() >= settings.limits.connections) return;  // closes it
    beast::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const auto connection = std::make_shared<HttpConnection>(
        io, HttpConnection::Socket(std::move(socket)), handler, settings.limits);
    connections.push_back(connection);
    connection->start();
  }

  void drain() {
    beast::error_code ignored;
    acceptor.close(ignored);
    pause.cancel();
    for (const auto& each : connections) {
      if (const auto connection = each.lock()) connection->drain();
    }
  }

  void stop() {
    drain();
    end_by(std::chrono::steady_clock::now() + kLastWords);
  }

  // What was written before goes out as far as its readers take it.
  void end_by(std::chrono::steady_clock::time_point deadline) {
    std::erase_if(connections, [](const auto& each) { return each.expired(); });
    if (connections.empty()) return;
    if (std::chrono::steady_clock::now() >= deadline) {
      for (const auto& each : connections) {
        if (const auto connection = each.lock()) connection->close();
      }
      return;
    }
    pause.expires_after(kLook);
    pause.async_wait([this, deadline](beast::error_code) { end_by(deadline); });
  }

  ServerSettings settings;
  HttpHandler& handler;
  net::io_context io;
  tcp::acceptor acceptor;
  net::steady_timer pause;
  std::vector<std::weak_ptr<HttpConnection>> connections;
};

HttpServer::HttpServer(const ServerSettings& settings, HttpHandler& handler)
    : impl_(std::make_unique<Impl>(settings, handler)) {
  beast::error_code error;
  const auto address = net::ip::make_address(settings.address, error);
  if (error) throw Error::format("address {}: not a numeric address", in_quotes(settings.address));
  allow_files(settings.limits.connections);
  const tcp::endpoint endpoint(address, settings.port);
  tcp::acceptor& acceptor = impl_->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (error) refuse_address(settings, error);
}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const {
  return impl_->acceptor.local_endpoint().port();
}

void HttpServer::listen() {
  beast::error_code error;
  impl_->acceptor.listen(kBacklog, error);
  if (error) refuse_address(impl_->settings, error);
  impl_->accept();
}

void HttpServer::run() {
  impl_->io.run();
}

void HttpServer::drain() {
  net::post(impl_->io, [this] { impl_->drain(); });
}

void HttpServer::stop() {
  net::post(impl_->io, [this] { impl_->stop(); });
}

}  // namespace molgen3d
