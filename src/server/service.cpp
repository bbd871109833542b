#include "server/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/access.h"
#include "server/completion_job.h"
#include "server/conformer_job.h"
#include "server/fields.h"

namespace molgen3d {

namespace {

struct Route {
  const char* path;
  bool posted;  ///< POST; else GET and HEAD
  bool open;    ///< needs no token
};

constexpr Route kRoutes[] = {
    {"/health", false, true},          //
    {"/about.json", false, true},      //
    {"/metrics", false, false},        //
    {"/v1/models", false, false},      //
    {"/v1/conformers", true, false},   //
    {"/v1/completions", true, false},  //
    {"/v1/batch", true, false},        //
    {"/v1/etkdg", true, false},        //
};

const Route* route_of(const std::string& path) {
  for (const Route& route : kRoutes) {
    if (path == route.path) return &route;
  }
  return nullptr;
}

void check_size(size_t prompts, size_t samples, const ServerLimits& limits) {
  if (prompts * samples <= limits.collected) return;
  throw BadRequest(
      400, fmt::format("{} samples in one answer; at most {}", prompts * samples, limits.collected),
      "n");
}

int64_t seconds_since_1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Service::Service(std::shared_ptr<const Model> model, const ServerSettings& settings,
                 EngineThread& engine, Workers& workers, Metrics& metrics, EmbeddingHost& embedding)
    : model_(std::move(model)),
      settings_(settings),
      engine_(engine),
      workers_(workers),
      metrics_(metrics),
      resources_{engine, workers, metrics},
      embedding_(embedding),
      admission_(std::make_shared<Admission>(settings.limits.requests)),
      began_(seconds_since_1970()) {}

std::optional<HttpAnswer> Service::refuse(const HttpRequest& head) {
  constexpr Route kAsset{"a file of the page", false, true};
  const Route* route = assets_.has(head.path) ? &kAsset : route_of(head.path);
  if (auto answer = refuse_access(head, settings_, route == nullptr || !route->open)) return answer;
  if (route == nullptr) return error_answer(404, "there is nothing at " + in_quotes(head.path));
  const bool reads = head.method == "GET" || head.method == "HEAD";
  if (route->posted ? head.method != "POST" : !reads) {
    HttpAnswer answer =
        error_answer(405, fmt::format("{} takes {}", route->path, route->posted ? "POST" : "GET"));
    answer.fields.emplace_back("Allow", route->posted ? "POST" : "GET, HEAD");
    return answer;
  }
  if (!route->posted) return std::nullopt;
  // Not a type that a form of another site's page could send.
  const bool batch = head.path == "/v1/batch";
  if (!head.content_type.starts_with(batch ? "application/x-ndjson" : "application/json")) {
    return error_answer(415, fmt::format("Content-Type must be {}",
                                         batch ? "application/x-ndjson" : "application/json"));
  }
  if (head.content_length > settings_.limits.body_bytes) {
    return error_answer(413, fmt::format("the body has {} bytes; this server takes at most {}",
                                         head.content_length, settings_.limits.body_bytes));
  }
  if (draining_) return error_answer(503, "the server is about to end");
  return std::nullopt;
}

void Service::handle(HttpRequest request, std::shared_ptr<Responder> responder) {
  if (auto answer = looked_up(request)) return responder->answer(std::move(*answer));
  if (draining_) return responder->answer(error_answer(503, "the server is about to end"));
  auto place = admission_->enter();
  if (!place) {
    HttpAnswer answer = error_answer(429, "the server is busy; try again later");
    answer.fields.emplace_back("Retry-After", std::to_string(admission_->retry_after()));
    return responder->answer(std::move(answer));
  }
  // Bodies may be large: they are read where the network does not wait for it.
  workers_.post([this, request = std::make_shared<HttpRequest>(std::move(request)),
                 responder = std::move(responder),
                 place = std::make_shared<std::unique_ptr<Admission::Place>>(std::move(place))] {
    try {
      work(*request, responder, std::move(*place));
    } catch (const BadRequest& error) {
      responder->answer(error_answer(error.status, error.what(), error.param));
    } catch (const Error& error) {
      responder->answer(error_answer(400, error.what()));
    } catch (const std::exception& error) {
      responder->answer(error_answer(500, error.what()));
    }
  });
}

std::optional<HttpAnswer> Service::looked_up(const HttpRequest& request) const {
  if (assets_.has(request.path)) return assets_.answer(request);
  if (request.path == "/health") return health();
  if (request.path == "/about.json") return about();
  if (request.path == "/metrics") return metrics();
  if (request.path == "/v1/models") return models();
  return std::nullopt;
}

void Service::embed(const HttpRequest& request, const std::shared_ptr<Responder>& responder,
                    std::unique_ptr<Admission::Place> place) {
  const EtkdgBody body = etkdg_body(request.body, settings_.limits);
  embedding_.ask({body.smiles, body.conformers, body.seed, body.add_hydrogens},
                 [responder, place = std::make_shared<std::unique_ptr<Admission::Place>>(
                                 std::move(place))](EmbeddingHost::Reply reply) {
                   if (!reply.cause.empty())
                     return responder->answer(error_answer(422, "ETKDG: " + reply.cause, "smiles"));
                   HttpAnswer answer;
                   answer.content_type = "application/x-ndjson";
                   answer.body = std::move(reply.lines);
                   responder->answer(std::move(answer));
                 });
}

void Service::work(HttpRequest& request, const std::shared_ptr<Responder>& responder,
                   std::unique_ptr<Admission::Place> place) {
  if (request.path == "/v1/batch") {
    begin_batch(request, responder, std::move(place));
  } else if (request.path == "/v1/etkdg") {
    embed(request, responder, std::move(place));
  } else {
    begin(request.path, request.body, responder, std::move(place), false);
  }
}

std::shared_ptr<SampleJob> Service::begin(const std::string& path, const std::string& body,
                                          const std::shared_ptr<Responder>& responder,
                                          std::unique_ptr<Admission::Place> place, bool whole) {
  const ServerLimits& limits = settings_.limits;
  std::shared_ptr<SampleJob> job;
  if (path == "/v1/conformers") {
    ConformerJob::Work work{model_, conformers_body(body, model_->name, limits)};
    if (whole) check_size(work.body.smiles.size(), work.body.settings.samples, limits);
    job = std::make_shared<ConformerJob>(resources_, responder, std::move(place), std::move(work),
                                         limits);
  } else {
    CompletionJob::Work work{model_, completions_body(body, model_->name, limits),
                             fmt::format("cmpl-{:x}-{}", began_, ++completions_),
                             seconds_since_1970()};
    if (whole && work.body.stream)
      throw BadRequest(400, "stream: a line of a batch has one answer", "stream");
    if (!work.body.stream) check_size(work.body.prompts.size(), work.body.settings.samples, limits);
    job = std::make_shared<CompletionJob>(resources_, responder, std::move(place), std::move(work),
                                          limits);
  }
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(jobs_, [](const auto& each) { return each.expired(); });
    jobs_.push_back(job);
  }
  job->start();
  return job;
}

void Service::begin_batch(HttpRequest& request, const std::shared_ptr<Responder>& responder,
                          std::unique_ptr<Admission::Place> place) {
  const auto batch = std::make_shared<BatchJob>(
      std::move(request.body), responder, std::move(place), workers_,
      [this](const std::string& url, const std::string& body, std::shared_ptr<Responder> to) {
        return std::weak_ptr(begin(url, body, to, nullptr, true));
      });
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(batches_, [](const auto& each) { return each.expired(); });
    batches_.push_back(batch);
  }
  batch->start();
}

void Service::end_jobs() {
  std::vector<std::weak_ptr<SampleJob>> jobs;
  std::vector<std::weak_ptr<BatchJob>> batches;
  {
    const std::lock_guard lock(mutex_);
    jobs = jobs_;
    batches = batches_;
  }
  for (const auto& each : batches) {
    if (const auto batch = each.lock()) batch->end(SampleJob::End::kStopped);
  }
  for (const auto& each : jobs) {
    if (const auto job = each.lock()) job->end(SampleJob::End::kStopped);
  }
}

void Service::answered(const std::string& path, unsigned status, double seconds) {
  metrics_.request(route_of(path) != nullptr ? path : "other", status, seconds);
}

HttpAnswer Service::about() const {
  const nlohmann::ordered_json about = {{"model", model_->name},
                                        {"version", MOLGEN3D_VERSION},
                                        {"most_samples", settings_.limits.samples},
                                        {"viewer", assets_.viewer()},
                                        {"sketch", assets_.sketch()}};
  HttpAnswer answer;
  answer.fields = {{"Cache-Control", "no-store"}};
  answer.body = about.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
  return answer;
}

HttpAnswer Service::health() const {
  const auto engine = engine_.snapshot();
  if (!engine.failure.empty()) return error_answer(503, "the engine failed: " + engine.failure);
  HttpAnswer answer;
  answer.body = draining_ ? "{\"status\":\"draining\"}\n" : "{\"status\":\"ok\"}\n";
  if (draining_) answer.status = 503;
  return answer;
}

HttpAnswer Service::models() const {
  using Json = nlohmann::ordered_json;
  const Json model = {{"id", model_->name},
                      {"object", "model"},
                      {"created", began_},
                      {"owned_by", "molgen3d"},
                      {"max_model_len", model_->checkpoint->config().max_positions}};
  HttpAnswer answer;
  answer.body = Json{{"object", "list"}, {"data", Json::array({model})}}.dump(
                    -1, ' ', false, nlohmann::detail::error_handler_t::replace) +
                "\n";
  return answer;
}

HttpAnswer Service::metrics() const {
  HttpAnswer answer;
  answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  answer.body = metrics_.text(engine_.snapshot(), admission_->inside(), model_->name);
  return answer;
}

}  // namespace molgen3d
