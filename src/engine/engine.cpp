#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "engine/noise.h"
#include "engine/sampler.h"

namespace molgen3d {

/// A request with samples still to start.
struct Engine::Waiting {
  Request request;
  uint64_t order = 0;  ///< of submission
  uint64_t epoch = 0;  ///< windows submitted before it
  uint32_t bound = 0;
  uint32_t started = 0;                ///< samples
  std::vector<uint32_t> prompt_pages;  ///< shared by the samples; held until the last has started
};

bool Engine::Later::operator()(const std::unique_ptr<Waiting>& a,
                               const std::unique_ptr<Waiting>& b) const {
  return std::tuple(a->epoch, ~a->bound, a->order) < std::tuple(b->epoch, ~b->bound, b->order);
}

namespace {

Completion cancelled_sample(uint64_t tag, uint32_t sample) {
  Completion completion;
  completion.tag = tag;
  completion.sample = sample;
  completion.reason = FinishReason::kCancelled;
  return completion;
}

/// Why `params` cannot be used; empty when they can.
std::string sampling_fault(const SamplingParams& params) {
  try {
    check_sampling(params);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

Engine::Engine(std::unique_ptr<Backend> backend, const ModelConfig& config,
               const EngineOptions& options)
    : backend_(std::move(backend)),
      config_(config),
      options_(options),
      spans_(backend_->phases().sink),
      pages_(backend_->memory().pages),
      running_(backend_->memory().slots) {
  check_sampling(options_.sampling);
  options_.window = std::max<size_t>(options_.window, 1);
  for (uint32_t slot = backend_->memory().slots; slot-- > 0;) free_slots_.push_back(slot);
}

Engine::~Engine() = default;

uint32_t Engine::length_bound(const Request& request, std::string& cause) const {
  const size_t prompt = request.prompt.size();
  if (prompt == 0) {
    cause = "the prompt is empty";
    return 0;
  }
  for (const TokenId id : request.prompt) {
    if (id >= 0 && id < config_.vocabulary) continue;
    cause = fmt::format("the prompt holds token id {}, but the model has {} ids", id,
                        config_.vocabulary);
    return 0;
  }
  const size_t context = static_cast<size_t>(config_.max_positions);
  const size_t cache = pages_.total() * kPageTokens;
  const size_t room = std::min(context, cache) - std::min(prompt, std::min(context, cache));
  size_t least = 1;     // the answer cannot be shorter
  size_t bound = room;  // nor longer
  if (request.constraint) {
    least = std::max<size_t>(request.constraint->min_tokens(), 1);
    bound = std::max(least, request.constraint->max_tokens());
  }
  if (request.max_new_tokens > 0) {
    bound = request.constraint ? std::min<size_t>(bound, request.max_new_tokens)
                               : request.max_new_tokens;
    least = request.constraint ? std::min<size_t>(least, bound) : bound;
  }
  if (least > room) {
    cause = fmt::format(
        "prompt of {} tokens and answer of at least {} need {}, but the {} holds {}", prompt, least,
        prompt + least, context <= cache ? "context" : "cache", std::min(context, cache));
    return 0;
  }
  return static_cast<uint32_t>(
      std::min(std::min(bound, room), size_t{std::numeric_limits<uint32_t>::max()}));
}

void Engine::submit(Request request) {
  auto waiting = std::make_unique<Waiting>();
  std::string cause;
  waiting->bound = length_bound(request, cause);
  if (cause.empty() && request.sampling) cause = sampling_fault(*request.sampling);
  if (!cause.empty()) {
    for (uint32_t i = 0; i < request.samples; ++i) {
      Completion failed;
      failed.tag = request.tag;
      failed.sample = request.first_sample + i;
      failed.reason = FinishReason::kFailed;
      failed.error = cause;
      rejected_.push_back(std::move(failed));
    }
    return;
  }
  if (request.samples == 0) return;
  waiting->order = submitted_++;
  waiting->epoch = waiting->order / options_.window;
  waiting->request = std::move(request);
  waiting_.insert(std::move(waiting));
}

/// False when its pages or a slot are not free yet.
bool Engine::start_sample(Waiting& waiting) {
  const Request& request = waiting.request;
  if (free_slots_.empty()) return false;
  // The last prompt token is always computed: its row predicts the first token of the answer.
  const size_t shareable =
      request.samples > 1 && options_.share_prompt ? (request.prompt.size() - 1) / kPageTokens : 0;
  const size_t whole = (request.prompt.size() + waiting.bound + kPageTokens - 1) / kPageTokens;
  const size_t shared = waiting.prompt_pages.size();
  std::vector<uint32_t> pages = waiting.prompt_pages;
  if (!pages_.allocate(whole - shared, pages)) return false;
  if (waiting.started == 0 && shareable > 0) {
    waiting.prompt_pages.assign(pages.begin(),
                                pages.begin() + static_cast<std::ptrdiff_t>(shareable));
  }
  pages_.retain(waiting.prompt_pages);  // the first time for the request itself, then for a sample

  const uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  Running& running = running_[slot];
  running = {request.tag, request.first_sample + waiting.started, std::move(pages), true};
  SequenceStart start;
  start.slot = slot;
  start.prompt = request.prompt;
  start.constraint = request.constraint;
  start.geometry = request.geometry;
  start.sampling = request.sampling.value_or(options_.sampling);
  start.noise_key = noise_key(request.seed.value_or(options_.seed), request.item, running.sample);
  start.max_new_tokens = waiting.bound;
  start.pages = running.pages;
  start.cached_tokens = static_cast<uint32_t>(shared) * kPageTokens;
  backend_->start(start);
  statistics_.prompt_tokens += request.prompt.size() - start.cached_tokens;
  ++waiting.started;
  return true;
}

// Strictly in order: a long request is never overtaken by shorter ones that fit, so it cannot
// starve. A request that has begun to start its samples goes on first: it holds prompt pages.
void Engine::admit() {
  for (;;) {
    if (!starting_) {
      if (waiting_.empty()) break;
      starting_ = std::move(waiting_.extract(waiting_.begin()).value());
    }
    if (!start_sample(*starting_)) break;
    if (starting_->started < starting_->request.samples) continue;
    pages_.release(starting_->prompt_pages);
    starting_.reset();
  }
  statistics_.most_sequences = std::max(
      statistics_.most_sequences, static_cast<uint32_t>(running_.size() - free_slots_.size()));
}

void Engine::finish(Completion&& completion, const Done& done) {
  ++statistics_.completions;
  if (completion.reason == FinishReason::kFailed) ++statistics_.failures;
  statistics_.sampled_tokens += completion.sampled_tokens;
  statistics_.forced_tokens += completion.forced_tokens;
  statistics_.sequence_passes += completion.passes;
  done(std::move(completion));
}

void Engine::cancel_running(uint32_t slot, const Done& done) {
  Running& running = running_[slot];
  backend_->cancel(slot);
  pages_.release(running.pages);
  running.active = false;
  free_slots_.push_back(slot);
  finish(cancelled_sample(running.tag, running.sample), done);
}

void Engine::cancel_waiting(const Waiting& waiting, const Done& done) {
  pages_.release(waiting.prompt_pages);
  const Request& request = waiting.request;
  for (uint32_t i = waiting.started; i < request.samples; ++i)
    finish(cancelled_sample(request.tag, request.first_sample + i), done);
}

void Engine::cancel_request(uint64_t tag, const Done& done) {
  for (uint32_t slot = 0; slot < running_.size(); ++slot) {
    if (running_[slot].active && running_[slot].tag == tag) cancel_running(slot, done);
  }
  if (starting_ && starting_->request.tag == tag) {
    const std::unique_ptr<Waiting> first = std::move(starting_);
    cancel_waiting(*first, done);
  }
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const auto here = next++;
    if ((*here)->request.tag != tag) continue;
    const std::unique_ptr<Waiting> found = std::move(waiting_.extract(here).value());
    cancel_waiting(*found, done);
  }
}

void Engine::look(const See& see) const {
  for (uint32_t slot = 0; slot < running_.size(); ++slot) {
    const Running& running = running_[slot];
    if (running.active) see(running.tag, running.sample, backend_->written(slot));
  }
}

void Engine::cancel_all(const Done& done) {
  for (uint32_t slot = 0; slot < running_.size(); ++slot) {
    if (running_[slot].active) cancel_running(slot, done);
  }
  if (starting_) waiting_.insert(std::move(starting_));
  while (!waiting_.empty()) {
    const std::unique_ptr<Waiting> first = std::move(waiting_.extract(waiting_.begin()).value());
    cancel_waiting(*first, done);
  }
}

bool Engine::step(const Done& done) {
  while (!rejected_.empty()) {
    Completion rejected = std::move(rejected_.front());
    rejected_.pop_front();
    finish(std::move(rejected), done);
  }
  if (cancelled_.load(std::memory_order_relaxed)) {
    cancel_all(done);
    return false;
  }
  {
    const ScopedSpan span(starting_ || !waiting_.empty() ? spans_ : nullptr, RunPhase::kSchedule);
    admit();
  }
  if (free_slots_.size() == running_.size()) return false;
  finished_.clear();
  backend_->run(finished_, nullptr);
  ++statistics_.steps;
  for (SlotProgress& progress : finished_) {
    if (!progress.finished) continue;
    Running& running = running_[progress.slot];
    progress.result.tag = running.tag;
    progress.result.sample = running.sample;
    pages_.release(running.pages);
    running.active = false;
    free_slots_.push_back(progress.slot);
    finish(std::move(progress.result), done);
  }
  return true;
}

void Engine::run(const Next& next, const Done& done) {
  const auto stopped = [&] { return cancelled_.load(std::memory_order_relaxed); };
  bool more = true;
  for (;;) {
    while (more && !stopped() && waiting_.size() < options_.window &&
           rejected_.size() < options_.window) {
      std::optional<Request> request = next();
      more = request.has_value();
      if (more) submit(std::move(*request));
    }
    if (!step(done) && (!more || stopped())) return;
  }
}

EngineStatistics Engine::statistics() const {
  EngineStatistics statistics = statistics_;
  statistics.phases = backend_->phases();
  return statistics;
}

}  // namespace molgen3d
