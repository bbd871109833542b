#include "generation/request_maker.h"

#include <algorithm>

namespace molgen3d {

namespace {

// A free answer may be longer than its template and still be worth reading.
constexpr double kFreeMargin = 1.25;

bool is_position_rule(ConstraintRule rule) {
  return rule != ConstraintRule::kNone && rule != ConstraintRule::kExact;
}

}  // namespace

DescriptorStyle trained_descriptors(const Model& model) {
  return model.checkpoint->format().hydrogen_counts ? DescriptorStyle::kHydrogenCount
                                                    : DescriptorStyle::kVerbatim;
}

DescriptorStyle descriptors_of(const GenerationOptions& options, const Model& model) {
  if (options.descriptors) return *options.descriptors;
  if (is_position_rule(options.rule)) return DescriptorStyle::kStudy;
  return trained_descriptors(model);
}

RequestMaker::RequestMaker(std::shared_ptr<const Model> model, GenerationOptions options)
    : model_(std::move(model)), options_(std::move(options)) {
  if (is_position_rule(options_.rule)) {
    positions_ = std::make_unique<PositionRuleCompiler>(
        model_->tokenizer, options_.rule, EndOfSequence(model_->end_of_sequence),
        static_cast<size_t>(model_->checkpoint->config().vocabulary));
  }
}

RequestMaker::~RequestMaker() = default;

std::shared_ptr<const Constraint> RequestMaker::compile(const Prompt& prompt) const {
  if (options_.rule == ConstraintRule::kNone) return nullptr;
  if (!positions_) return model_->templates->compile(tagged_literals(prompt.text_template));
  const TemplateOptions style{.style = options_.prompt_style,
                              .descriptors = descriptors_of(options_, *model_),
                              .verify = false};
  return positions_->compile(tagged_literals(make_template(*prompt.molecule, style).text_template));
}

std::shared_ptr<const geometry::Program> RequestMaker::geometry_program(
    const Prompt& prompt, const Constraint& constraint) const {
  if (options_.rule != ConstraintRule::kExact || !prompt.hard_set || !options_.geometry.any())
    return nullptr;
  auto program = std::make_shared<geometry::Program>();
  program->set = *prompt.hard_set;
  program->texts = model_->texts;
  program->policy.budget = static_cast<int32_t>(
      std::min(options_.geometry_budget * static_cast<double>(constraint.max_tokens()), 1e9));
  program->policy.keep = options_.keep_outside ? 1 : 0;
  program->policy.free_draws = static_cast<int32_t>(options_.geometry_draws);
  if (options_.sampling.greedy) {  // the same again each time
    program->policy.free_draws = std::min(program->policy.free_draws, 1);
    program->policy.masked_draws = 1;
  }
  return program;
}

Request RequestMaker::make(const Prompt& prompt, SpanSink* spans) const {
  Request request;
  {
    const ScopedSpan span(spans, RunPhase::kTokenize);
    request.prompt = model_->prompt_tokens(prompt.text_template.smiles);
  }
  const ScopedSpan span(spans, RunPhase::kTemplate);
  request.constraint = compile(prompt);
  if (request.constraint) request.geometry = geometry_program(prompt, *request.constraint);
  request.max_new_tokens = options_.max_new_tokens;
  if (request.max_new_tokens == 0 && !request.constraint) {
    const size_t bound =
        model_->templates->compile(tagged_literals(prompt.text_template))->max_tokens();
    request.max_new_tokens = static_cast<uint32_t>(kFreeMargin * static_cast<double>(bound));
  }
  return request;
}

}  // namespace molgen3d
