#include "generation/conformer.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/enriched_text.h"
#include "text/tags.h"

namespace molgen3d {

std::string answer_text(const Model& model, const Completion& completion) {
  const auto& stops = model.end_of_sequence;
  auto end = completion.tokens.end();
  // A model may end its answers with the closing tag itself, which belongs to the text.
  if (end != completion.tokens.begin() &&
      std::find(stops.begin(), stops.end(), end[-1]) != stops.end() &&
      model.tokenizer->token_bytes(end[-1]) != kConformerEndTag)
    --end;
  return model.tokenizer->decode({completion.tokens.begin(), end});
}

Conformer read_conformer(const Model& model, const Sample& sample, SpanSink* spans) {
  Conformer out;
  const Prompt& prompt = *sample.prompt;
  const Completion& completion = sample.completion;
  if (!completion.tokens.empty()) {
    const ScopedSpan span(spans, RunPhase::kDetokenize);
    out.text = answer_text(model, completion);
  }
  const ScopedSpan span(spans, RunPhase::kValidate);
  if (completion.reason == FinishReason::kFailed || completion.reason == FinishReason::kCancelled) {
    out.cause = completion.error.empty() ? "cancelled" : completion.error;
    return out;
  }
  const auto enriched = conformer_of(out.text);
  if (enriched) out.enriched = *enriched;
  if (completion.reason == FinishReason::kLength) {
    out.cause = "no end of sequence within " + std::to_string(completion.tokens.size()) + " tokens";
    return out;
  }
  if (!is_one_conformer(out.text)) {
    out.cause = fmt::format("the answer is not one {} block", kConformerTag);
    return out;
  }
  const auto coordinates = match_template(out.enriched, prompt.text_template,
                                          model.checkpoint->format().numbers, &out.cause);
  if (!coordinates) return out;
  out.ok = true;
  out.coordinates = to_input_order(prompt.text_template, *coordinates);
  out.stereo = judge_stereo(prompt.molecule->with_coordinates(out.coordinates));
  return out;
}

}  // namespace molgen3d
