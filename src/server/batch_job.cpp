#include "server/batch_job.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "server/fields.h"
#include "server/request_bodies.h"

namespace molgen3d {

namespace {

constexpr size_t kLinesAtOnce = 16;

using Json = nlohmann::ordered_json;

/// A line of the output. A body that is JSON stands there as such, any other as a string.
std::string output_line(size_t number, const std::string& custom_id, const HttpAnswer& answer) {
  Json body = Json::parse(answer.body, nullptr, false);
  if (body.is_discarded() || !answer.content_type.starts_with("application/json"))
    body = answer.body;
  const Json line = {{"id", fmt::format("batch_req_{}", number + 1)},
                     {"custom_id", custom_id},
                     {"response",
                      {{"status_code", answer.status},
                       {"request_id", fmt::format("line_{}", number + 1)},
                       {"body", std::move(body)}}},
                     {"error", nullptr}};
  return line.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

/// Of a line that cannot be used, as far as it says one.
std::string custom_id_of(const std::string& text) {
  try {
    const nlohmann::json line = object_of_body(text);
    const auto id = line.find("custom_id");
    return id != line.end() && id->is_string() ? id->get<std::string>() : "";
  } catch (const BadRequest&) {
    return "";
  }
}

}  // namespace

/// Collects the answer of one line.
class BatchJob::LineAnswer : public Responder {
 public:
  LineAnswer(std::weak_ptr<BatchJob> batch, size_t number, std::string custom_id)
      : batch_(std::move(batch)), number_(number), custom_id_(std::move(custom_id)) {}

  void answer(HttpAnswer answer) override {
    if (const auto batch = batch_.lock())
      batch->answered(number_, output_line(number_, custom_id_, answer));
  }
  void begin(HttpAnswer answer) override { answer_ = std::move(answer); }
  void write(std::string part) override { answer_.body += part; }
  void end(std::vector<std::pair<std::string, std::string>> /*trailers*/) override {
    answer(std::move(answer_));
  }
  void abort() override {
    answer(error_answer(504, "not finished within the server's time limit"));
  }
  bool crowded() const override { return false; }
  void watch(std::function<void()> /*room*/, std::function<void()> /*gone*/) override {}

 private:
  std::weak_ptr<BatchJob> batch_;
  size_t number_;
  std::string custom_id_;
  HttpAnswer answer_;  // parts come one after the other
};

BatchJob::BatchJob(std::string lines, std::shared_ptr<Responder> responder,
                   std::unique_ptr<Admission::Place> place, Workers& workers, Begin begin)
    : lines_(std::move(lines)),
      responder_(std::move(responder)),
      place_(std::move(place)),
      workers_(workers),
      begin_(std::move(begin)) {}

void BatchJob::start() {
  const std::weak_ptr<BatchJob> weak = weak_from_this();
  // The callbacks keep it alive as long as the connection is there.
  responder_->watch([self = shared_from_this()] { self->go_on(); },
                    [weak] {
                      if (const auto job = weak.lock()) job->end(SampleJob::End::kGone);
                    });
  HttpAnswer head;
  head.content_type = "application/x-ndjson";
  responder_->begin(std::move(head));
  go_on();
}

bool BatchJob::next_line(std::string& line) {
  while (at_ < lines_.size()) {
    const size_t end = std::min(lines_.find('\n', at_), lines_.size());
    line = lines_.substr(at_, end - at_);
    at_ = end + 1;
    if (line.find_first_not_of(" \t\r") != std::string::npos) return true;
  }
  return false;
}

void BatchJob::go_on() {
  for (;;) {
    size_t number = 0;
    std::string line;
    {
      const std::lock_guard lock(mutex_);
      if (ended_ || open_.size() >= kLinesAtOnce || responder_->crowded()) return;
      if (!next_line(line)) {
        if (!open_.empty()) return;
        ended_ = true;
        place_.reset();
        return responder_->end({});
      }
      number = taken_++;
      open_[number];
    }
    workers_.post([self = shared_from_this(), number, line = std::move(line)] {
      self->begin_line(number, line);
    });
  }
}

void BatchJob::begin_line(size_t number, const std::string& text) {
  std::string custom_id;
  HttpAnswer refused;
  try {
    BatchLine line = batch_line(text);
    custom_id = std::move(line.custom_id);
    const auto answer = std::make_shared<LineAnswer>(weak_from_this(), number, custom_id);
    const std::weak_ptr<SampleJob> job = begin_(line.url, line.body, answer);
    bool late = false;
    {
      const std::lock_guard lock(mutex_);
      late = ended_;
      if (const auto open = open_.find(number); open != open_.end()) open->second.job = job;
    }
    if (const auto running = job.lock(); late && running) running->end(SampleJob::End::kGone);
    return;
  } catch (const BadRequest& error) {
    if (custom_id.empty()) custom_id = custom_id_of(text);
    refused = error_answer(error.status, error.what(), error.param);
  } catch (const std::exception& error) {
    refused = error_answer(400, error.what());
  }
  answered(number, output_line(number, custom_id, refused));
}

void BatchJob::answered(size_t number, std::string text) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    Line& line = open_.at(number);
    line.answered = true;
    line.text = std::move(text);
    for (auto first = open_.begin(); first != open_.end() && first->second.answered;
         first = open_.erase(first)) {
      responder_->write(std::move(first->second.text));
    }
  }
  go_on();
}

void BatchJob::end(SampleJob::End end) {
  std::map<size_t, Line> open;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    open.swap(open_);
    place_.reset();
  }
  for (auto& [number, line] : open) {
    if (const auto job = line.job.lock()) job->end(SampleJob::End::kGone);
  }
  if (end != SampleJob::End::kGone) responder_->abort();
}

}  // namespace molgen3d
