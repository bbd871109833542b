// From a prompt to what the engine takes: tokens, constraint, hard set.
#pragma once

#include <memory>
#include <string>

#include "generation/generator.h"
#include "geometry/program.h"

namespace molgen3d {

/// Thread-safe after construction.
class RequestMaker {
 public:
  RequestMaker(std::shared_ptr<const Model> model, const GenerationOptions& options,
               SpanSink* spans);
  ~RequestMaker();

  /// A request for the prompt, its item, tag and samples left to the caller. Throws Error for a
  /// text that the tokenizer cannot write.
  Request make(const Prompt& prompt) const;

 private:
  std::shared_ptr<const Constraint> compile(const Prompt& prompt) const;
  std::shared_ptr<const geometry::Program> geometry_program(const Prompt& prompt,
                                                            const Constraint& constraint) const;

  std::shared_ptr<const Model> model_;
  GenerationOptions options_;
  SpanSink* spans_;
  std::unique_ptr<PositionRuleCompiler> positions_;
};

}  // namespace molgen3d
