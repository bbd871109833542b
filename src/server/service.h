// Which path does what.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "generation/request_maker.h"
#include "server/admission.h"
#include "server/assets.h"
#include "server/batch_job.h"
#include "server/embedding_host.h"
#include "server/http_connection.h"
#include "server/sample_job.h"

namespace molgen3d {

class Service : public HttpHandler {
 public:
  Service(std::shared_ptr<const Model> model, const ServerSettings& settings, EngineThread& engine,
          Workers& workers, Metrics& metrics, EmbeddingHost& embedding);

  std::optional<HttpAnswer> refuse(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<Responder> responder) override;
  void answered(const std::string& path, unsigned status, double seconds) override;
  void connections(int change) override { metrics_.connection(change); }

  /// Any thread: from now on work is refused with 503.
  void drain() { draining_ = true; }
  /// Any thread: breaks off the jobs that are not finished.
  void end_jobs();
  size_t accepted() const { return admission_->inside(); }

 private:
  void work(HttpRequest& request, const std::shared_ptr<Responder>& responder,
            std::unique_ptr<Admission::Place> place);
  /// A request for conformers or completions, begun. `whole`: its answer is collected. Throws
  /// Error.
  std::shared_ptr<SampleJob> begin(const std::string& path, const std::string& body,
                                   const std::shared_ptr<Responder>& responder,
                                   std::unique_ptr<Admission::Place> place, bool whole);
  void begin_batch(HttpRequest& request, const std::shared_ptr<Responder>& responder,
                   std::unique_ptr<Admission::Place> place);
  void start(const std::shared_ptr<SampleJob>& job);
  void embed(const HttpRequest& request, const std::shared_ptr<Responder>& responder,
             std::unique_ptr<Admission::Place> place);
  std::optional<HttpAnswer> looked_up(const HttpRequest& request) const;
  HttpAnswer about() const;
  HttpAnswer health() const;
  HttpAnswer models() const;
  HttpAnswer metrics() const;

  std::shared_ptr<const Model> model_;
  const ServerSettings settings_;
  EngineThread& engine_;
  Workers& workers_;
  Metrics& metrics_;
  JobResources resources_;
  EmbeddingHost& embedding_;
  const Assets assets_;
  std::shared_ptr<Admission> admission_;
  const int64_t began_;  ///< seconds since 1970
  std::atomic<bool> draining_{false};
  std::mutex mutex_;
  std::vector<std::weak_ptr<SampleJob>> jobs_;
  std::vector<std::weak_ptr<BatchJob>> batches_;
  std::atomic<uint64_t> completions_{0};
};

}  // namespace molgen3d
