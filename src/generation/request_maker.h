// From a prompt to what the engine runs: prompt ids, constraint, geometry and bound.
#pragma once

#include <memory>

#include "generation/generator.h"
#include "geometry/program.h"

namespace molgen3d {

/// Of one model under one set of options. make() and compile() may be called by several threads.
class RequestMaker {
 public:
  RequestMaker(std::shared_ptr<const Model> model, GenerationOptions options);
  ~RequestMaker();

  /// A request without `item`, `tag` and samples. `prompt` must be ok(). Throws Error for a text
  /// that the tokenizer cannot write. `spans` may be null.
  Request make(const Prompt& prompt, SpanSink* spans = nullptr) const;

  /// The constraint of one prompt; null for free decoding.
  std::shared_ptr<const Constraint> compile(const Prompt& prompt) const;

  const GenerationOptions& options() const { return options_; }

 private:
  std::shared_ptr<const geometry::Program> geometry_program(const Prompt& prompt,
                                                            const Constraint& constraint) const;

  std::shared_ptr<const Model> model_;
  GenerationOptions options_;
  std::unique_ptr<PositionRuleCompiler> positions_;
};

}  // namespace molgen3d
