#include "server/sample_job.h"

#include <algorithm>
#include <utility>

namespace molgen3d {

namespace {

// Samples of one job that may be finished and wait for an earlier one.
constexpr size_t kMostUnread = 1024;

size_t prompts_ahead(uint32_t slots, uint32_t samples) {
  return slots / samples + 8;
}

}  // namespace

SampleJob::SampleJob(JobResources& resources, std::shared_ptr<Responder> responder,
                     std::unique_ptr<Admission::Place> place, size_t prompts, uint32_t samples,
                     double seconds)
    : resources_(resources),
      responder_(std::move(responder)),
      place_(std::move(place)),
      prompts_(prompts),
      samples_(samples),
      ahead_(prompts_ahead(resources.engine.slots(), samples)),
      deadline_(std::chrono::steady_clock::now() +
                std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                    std::chrono::duration<double>(seconds))) {}

void SampleJob::start() {
  resources_.engine.attach(shared_from_this());  // before anything can end it
  const std::weak_ptr<SampleJob> weak = weak_from_this();
  responder_->watch(
      [weak] {
        if (const auto job = weak.lock()) job->resources_.engine.wake();
      },
      [weak] {
        if (const auto job = weak.lock()) job->end(End::kGone);
      });
  const std::lock_guard lock(mutex_);
  prepare_ahead();
}

// With the lock.
void SampleJob::prepare_ahead() {
  while (!ended_ && preparing_ < prompts_ && preparing_ < delivered_prompts_ + ahead_) {
    const size_t prompt = preparing_++;
    resources_.workers.post([self = shared_from_this(), prompt] { self->prepare_one(prompt); });
  }
}

void SampleJob::prepare_one(size_t prompt) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
  }
  auto prepared = std::make_shared<Prepared>();
  try {
    *prepared = prepare(prompt);
  } catch (const std::exception& error) {
    prepared->cause = error.what();
  }
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    prepared_[prompt] = std::move(prepared);
    release_prepared();
  }
  resources_.engine.wake();
}

// With the lock. In order, so that repeats of a prompt are counted as they stand in the request.
void SampleJob::release_prepared() {
  for (auto next = prepared_.find(released_); next != prepared_.end();
       next = prepared_.find(released_)) {
    const std::shared_ptr<Prepared> prepared = std::move(next->second);
    prepared_.erase(next);
    const size_t prompt = released_++;
    Open& open = open_[prompt];
    open.products.resize(samples_);
    if (!prepared->key.empty()) prepared->request.item = keys_.key(prepared->key);
    open.prepared = prepared;
    if (prepared->cause.empty()) {
      ready_.push_back(prompt);
      continue;
    }
    unread_ += samples_;
    open.started = samples_;
    resources_.workers.post([self = shared_from_this(), prepared, prompt] {
      for (uint32_t i = 0; i < self->samples_; ++i) {
        Completion refused;
        refused.reason = FinishReason::kFailed;
        refused.error = prepared->cause;
        self->read_one(prepared, prompt, i, std::move(refused));
      }
    });
  }
}

std::optional<EngineThread::Work> SampleJob::next(uint32_t most) {
  if (responder_->crowded()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (ended_ || ready_.empty() || unread_ >= kMostUnread) return std::nullopt;
  const size_t prompt = ready_.front();
  Open& open = open_.at(prompt);
  EngineThread::Work work{open.prepared->request, prompt, watched()};
  work.request.first_sample = open.started;
  work.request.samples = std::min(most, samples_ - open.started);
  open.started += work.request.samples;
  unread_ += work.request.samples;
  if (open.started == samples_) ready_.pop_front();
  return work;
}

void SampleJob::completed(uint64_t prompt, Completion&& completion) {
  std::shared_ptr<const Prepared> prepared;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    prepared = open_.at(prompt).prepared;
  }
  resources_.workers.post([self = shared_from_this(), prepared, prompt,
                           done = std::make_shared<Completion>(std::move(completion))] {
    self->read_one(prepared, prompt, done->sample, std::move(*done));
  });
}

void SampleJob::read_one(std::shared_ptr<const Prepared> prepared, size_t prompt, uint32_t sample,
                         Completion&& completion) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
  }
  Product product;
  product.reason = completion.reason;
  product.tokens = static_cast<uint32_t>(completion.tokens.size());
  try {
    product = read(*prepared, prompt, sample, std::move(completion));
  } catch (const std::exception& error) {
    product.cause = error.what();
  }
  resources_.metrics.sample(product.cause.empty());
  take(prompt, sample, std::move(product));
}

void SampleJob::take(size_t prompt, uint32_t sample, Product&& product) {
  bool done = false;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    open_.at(prompt).products[sample] = std::move(product);
    while (!open_.empty() && open_.begin()->first == delivered_prompts_) {
      Open& open = open_.begin()->second;
      while (delivered_samples_ < samples_ && open.products[delivered_samples_]) {
        deliver(*open.prepared, delivered_prompts_, delivered_samples_,
                std::move(*open.products[delivered_samples_]));
        ++delivered_samples_;
        --unread_;
      }
      if (delivered_samples_ < samples_) break;
      open_.erase(open_.begin());
      ++delivered_prompts_;
      delivered_samples_ = 0;
    }
    done = delivered_prompts_ == prompts_;
    prepare_ahead();
  }
  if (done) {
    end(End::kDone);
  } else {
    resources_.engine.wake();  // there may be room below kMostUnread again
  }
}

HttpAnswer SampleJob::end_answer(End end, const std::string& cause) {
  switch (end) {
    case End::kTimeout:
      return error_answer(504, "not finished within the server's time limit");
    case End::kBroken:
      return error_answer(500, "the engine failed: " + cause);
    default:
      return error_answer(503, "the server ends");
  }
}

void SampleJob::look_at_clock() {
  if (std::chrono::steady_clock::now() >= deadline_) end(End::kTimeout);
}

void SampleJob::engine_failed(const std::string& cause) {
  close(End::kBroken, cause);
}

void SampleJob::end(End end) {
  close(end, "");
}

void SampleJob::close(End end, const std::string& cause) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    ready_.clear();
    open_.clear();
    prepared_.clear();
  }
  resources_.engine.detach(this);
  finish(end, cause);
  place_.reset();
}

}  // namespace molgen3d
