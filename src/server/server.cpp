#include "server/server.h"

#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <utility>

#include "base/error.h"
#include "generation/run_settings.h"
#include "server/access.h"
#include "server/http_server.h"
#include "server/service.h"

namespace molgen3d {

namespace {

/// What the network asks before the service is there: nothing, for nobody listens.
class LateHandler : public HttpHandler {
 public:
  std::optional<HttpAnswer> refuse(const HttpRequest& head) override {
    return service->refuse(head);
  }
  void handle(HttpRequest request, std::shared_ptr<Responder> responder) override {
    service->handle(std::move(request), std::move(responder));
  }
  void answered(const std::string& path, unsigned status, double seconds) override {
    service->answered(path, status, seconds);
  }
  void connections(int change) override { service->connections(change); }

  std::unique_ptr<Service> service;
};

}  // namespace

struct Server::Impl {
  explicit Impl(const ServerSettings& s)
      : settings(s),
        embedding(std::in_place, s.limits.embedding_workers, s.limits.embedding_seconds),
        network(s, handler) {}

  ServerSettings settings;
  Metrics metrics;
  std::mutex mutex;
  std::string failure;  ///< of the engine
  LateHandler handler;
  std::optional<EmbeddingHost> embedding;  // forked before the port is had
  std::unique_ptr<Workers> workers;
  std::unique_ptr<EngineThread> engine;
  HttpServer network;
};

Server::Server(const ServerSettings& settings) {
  if (!is_loopback(settings.address) && settings.token.empty()) {
    throw Error::format("address {}: other machines reach it, so it needs --token-file",
                        in_quotes(settings.address));
  }
  impl_ = std::make_unique<Impl>(settings);
}

Server::~Server() {
  if (!impl_->engine) return;
  if (impl_->handler.service) impl_->handler.service->end_jobs();
  impl_->engine->stop();  // calls nobody any more, and still answers the workers
  impl_->workers.reset();
  impl_->embedding.reset();
}

void Server::start(std::shared_ptr<const Model> model, const RunSettings& run) {
  const std::vector<std::string> devices = resolve_devices(run);
  if (devices.size() > 1) {
    throw Error::format(
        "device {}: a server runs on one; start one for each, on ports of their own",
        in_quotes(run.device));
  }
  const std::string& device = devices.front();
  const BackendOptions options = backend_options_of(run, device, *model);
  auto backend = make_backend(device, *model, options);
  for (const std::string& note :
       {model->warning, sampling_note(run, *model), model->templates->fallback_warning(),
        batch_note(backend->memory(), options)}) {
    if (!note.empty()) notes_.push_back(note);
  }
  Impl& impl = *impl_;
  impl.workers = std::make_unique<Workers>(impl.settings.workers);
  impl.engine = std::make_unique<EngineThread>(std::move(backend), model->checkpoint->config(),
                                               [&impl](const std::string& cause) {
                                                 {
                                                   const std::lock_guard lock(impl.mutex);
                                                   impl.failure = cause;
                                                 }
                                                 impl.network.drain();
                                               });
  impl.handler.service = std::make_unique<Service>(std::move(model), impl.settings, *impl.engine,
                                                   *impl.workers, impl.metrics, *impl.embedding);
  impl.network.listen();
}

std::string Server::url() const {
  const std::string& address = impl_->settings.address;
  const bool v6 = address.find(':') != std::string::npos;
  return fmt::format("http://{}:{}", v6 ? "[" + address + "]" : address, impl_->network.port());
}

const std::string& Server::description() const {
  return impl_->engine->description();
}

void Server::run() {
  impl_->network.run();
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->failure.empty()) throw Error("the engine failed: " + impl_->failure);
}

void Server::drain() {
  impl_->handler.service->drain();
  impl_->network.drain();
}

void Server::stop() {
  impl_->handler.service->drain();
  impl_->handler.service->end_jobs();
  impl_->network.stop();
}

std::string read_token_file(const std::string& path) {
  constexpr size_t kShortest = 16;
  std::ifstream file(path);
  std::string token;
  if (!file || !std::getline(file, token))
    throw Error::format("--token-file {}: cannot be read, or is empty", path);
  if (!token.empty() && token.back() == '\r') token.pop_back();
  for (const char c : token) {
    if (c <= ' ' || c > '~')
      throw Error::format("--token-file {}: the token holds a character that no header can", path);
  }
  if (token.size() < kShortest) {
    throw Error::format("--token-file {}: a token of {} characters can be guessed; at least {}",
                        path, token.size(), kShortest);
  }
  return token;
}

}  // namespace molgen3d
