// From a prompt to what the engine runs: prompt ids, constraint, geometry and bound.
#pragma once

#include <memory>
#include <mutex>

#include "generation/generator.h"
#include "geometry/program.h"

namespace molgen3d {

/// What the geometry knows of a model's vocabulary: made when it is first needed, once for all
/// makers that share it. Any thread may ask.
class SharedTokenTexts {
 public:
  std::shared_ptr<const geometry::TokenTexts> of(const Model& model);

 private:
  std::once_flag made_;
  std::shared_ptr<const geometry::TokenTexts> texts_;
};

/// Of one model under one set of options. make() and compile() may be called by several threads.
class RequestMaker {
 public:
  /// `texts`: shared with other makers of the same model; null: its own.
  RequestMaker(std::shared_ptr<const Model> model, GenerationOptions options,
               std::shared_ptr<SharedTokenTexts> texts = nullptr);

  /// A request without `item`, `tag` and samples. `prompt` must be ok(). Throws Error for a text
  /// that the tokenizer cannot write. `spans` may be null.
  Request make(const Prompt& prompt, SpanSink* spans = nullptr) const;

  /// The constraint of one prompt; null for free decoding.
  std::shared_ptr<const Constraint> compile(const Prompt& prompt) const;

  const GenerationOptions& options() const { return options_; }

 private:
  std::shared_ptr<const geometry::Program> geometry_program(const Prompt& prompt,
                                                            const Constraint* constraint) const;
  uint32_t free_bound(const Prompt& prompt) const;

  std::shared_ptr<const Model> model_;
  GenerationOptions options_;
  std::unique_ptr<PositionRuleCompiler> positions_;
  std::shared_ptr<SharedTokenTexts> texts_;
};

}  // namespace molgen3d
