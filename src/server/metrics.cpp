#include "server/metrics.h"

#include <fmt/format.h>

#include <iterator>

namespace molgen3d {

namespace {

void add(std::string& out, const char* name, const char* kind, const char* help, double value) {
  fmt::format_to(std::back_inserter(out),
                 "# HELP molgen3d_{0} {1}\n# TYPE molgen3d_{0} {2}\n"
                 "molgen3d_{0} {3}\n",
                 name, help, kind, value);
}

/// The name of a model is that of a folder.
std::string label(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

void Metrics::request(const std::string& path, unsigned status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{path, status}];
  Latency& latency = latencies_[path];
  ++latency.count;
  latency.seconds += seconds;
  for (size_t i = 0; i < kBuckets.size(); ++i) {
    if (seconds > kBuckets[i]) continue;
    ++latency.below[i];
    break;
  }
}

std::string Metrics::text(const EngineThread::Snapshot& engine, size_t accepted,
                          const std::string& model) const {
  std::string out;
  const auto put = std::back_inserter(out);
  fmt::format_to(put,
                 "# HELP molgen3d_info What runs here.\n# TYPE molgen3d_info gauge\n"
                 "molgen3d_info{{version=\"{}\",model=\"{}\"}} 1\n",
                 MOLGEN3D_VERSION, label(model));
  {
    const std::lock_guard lock(mutex_);
    fmt::format_to(put,
                   "# HELP molgen3d_requests_total Answers by path and status.\n"
                   "# TYPE molgen3d_requests_total counter\n");
    for (const auto& [key, count] : requests_) {
      fmt::format_to(put, "molgen3d_requests_total{{path=\"{}\",status=\"{}\"}} {}\n", key.first,
                     key.second, count);
    }
    fmt::format_to(put,
                   "# HELP molgen3d_request_seconds From the first byte to the last.\n"
                   "# TYPE molgen3d_request_seconds histogram\n");
    for (const auto& [path, latency] : latencies_) {
      uint64_t below = 0;
      for (size_t i = 0; i < kBuckets.size(); ++i) {
        below += latency.below[i];
        fmt::format_to(put, "molgen3d_request_seconds_bucket{{path=\"{}\",le=\"{}\"}} {}\n", path,
                       kBuckets[i], below);
      }
      fmt::format_to(put,
                     "molgen3d_request_seconds_bucket{{path=\"{0}\",le=\"+Inf\"}} {1}\n"
                     "molgen3d_request_seconds_sum{{path=\"{0}\"}} {2}\n"
                     "molgen3d_request_seconds_count{{path=\"{0}\"}} {1}\n",
                     path, latency.count, latency.seconds);
    }
  }
  fmt::format_to(put,
                 "# HELP molgen3d_samples_total Samples by what became of them.\n"
                 "# TYPE molgen3d_samples_total counter\n"
                 "molgen3d_samples_total{{outcome=\"ok\"}} {}\n"
                 "molgen3d_samples_total{{outcome=\"failed\"}} {}\n",
                 samples_ok_.load(), samples_failed_.load());
  const EngineStatistics& s = engine.statistics;
  fmt::format_to(put,
                 "# HELP molgen3d_tokens_total Tokens of finished samples and of prompts.\n"
                 "# TYPE molgen3d_tokens_total counter\n"
                 "molgen3d_tokens_total{{kind=\"prompt\"}} {}\n"
                 "molgen3d_tokens_total{{kind=\"sampled\"}} {}\n"
                 "molgen3d_tokens_total{{kind=\"forced\"}} {}\n",
                 s.prompt_tokens, s.sampled_tokens, s.forced_tokens);
  add(out, "engine_steps_total", "counter", "Passes of the batch.", static_cast<double>(s.steps));
  add(out, "samples_running", "gauge", "Samples in the batch.",
      static_cast<double>(engine.samples_running));
  add(out, "slots", "gauge", "Samples that the batch has room for.", engine.slots);
  add(out, "requests_accepted", "gauge", "Requests that were accepted and are not finished.",
      static_cast<double>(accepted));
  add(out, "connections", "gauge", "Open connections.", static_cast<double>(connections_.load()));
  add(out, "up", "gauge", "0 after a failure of the engine.", engine.failure.empty() ? 1 : 0);
  return out;
}

}  // namespace molgen3d
