// POST /v1/completions: texts for prompts, in OpenAI's shape, at once or as they are written.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "generation/prompt_stream.h"
#include "generation/request_maker.h"
#include "server/request_bodies.h"
#include "server/sample_job.h"

namespace molgen3d {

class CompletionJob : public SampleJob {
 public:
  struct Work {
    std::shared_ptr<const Model> model;
    CompletionsBody body;
    std::string id;       ///< `cmpl-...`
    int64_t created = 0;  ///< seconds since 1970
  };

  /// Throws Error for a setting that cannot be used.
  CompletionJob(JobResources& resources, std::shared_ptr<Responder> responder,
                std::unique_ptr<Admission::Place> place, Work work, const ServerLimits& limits);

  void progressed(uint64_t prompt, uint32_t sample, std::span<const TokenId> tokens) override;

 protected:
  Prepared prepare(size_t prompt) override;
  Product read(const Prepared& prepared, size_t prompt, uint32_t sample,
               Completion&& completion) override;
  void deliver(const Prepared& prepared, size_t prompt, uint32_t sample,
               Product&& product) override;
  void finish(End end, const std::string& cause) override;
  bool watched() const override { return work_.body.stream; }

 private:
  /// What a reader of a stream has of one choice.
  struct Shown {
    size_t bytes = 0;
    bool over = false;
  };

  std::string choice(size_t index, std::string_view text, const char* reason,
                     const std::string& error) const;
  std::string answer_of(const std::string& choices, bool usage) const;
  void show(size_t index, const std::string& text, const char* reason, const std::string& error);
  void begin_stream();
  const char* reason_of(const Product& product) const;

  Work work_;
  RequestMaker maker_;
  PromptOptions prompt_options_;
  // Of the delivery, in order.
  std::string choices_;
  std::string refusal_;  ///< the first prompt that cannot be used, and why
  size_t prompt_tokens_ = 0, completion_tokens_ = 0;
  // Of the stream.
  std::mutex mutex_;
  bool begun_ = false, over_ = false;
  std::map<size_t, Shown> shown_;  ///< by choice
};

}  // namespace molgen3d
