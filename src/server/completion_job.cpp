#include "server/completion_job.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "generation/conformer.h"
#include "generation/record_stream.h"
#include "generation/run_settings.h"
#include "server/completion_text.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
}

/// The SMILES of a prompt that is `[SMILES]...[/SMILES]` and nothing else.
std::optional<std::string> smiles_of_prompt(const std::string& text) {
  const auto smiles = extract_block(text, kSmilesTag, kSmilesEndTag);
  if (!smiles || prompt_text(*smiles) != text) return std::nullopt;
  return std::string(*smiles);
}

}  // namespace

CompletionJob::CompletionJob(JobResources& resources, std::shared_ptr<Responder> responder,
                             std::unique_ptr<Admission::Place> place, Work work,
                             const ServerLimits& limits)
    : SampleJob(resources, std::move(responder), std::move(place), work.body.prompts.size(),
                work.body.settings.samples, limits.request_seconds),
      work_(std::move(work)),
      maker_(work_.model, generation_options_of(work_.body.settings, *work_.model)),
      prompt_options_(prompt_options_of(maker_.options(), *work_.model)) {}

SampleJob::Prepared CompletionJob::prepare(size_t index) {
  const std::string& text = work_.body.prompts[index];
  const std::string source = fmt::format("prompt {}", index + 1);
  const bool exact = maker_.options().rule == ConstraintRule::kExact;
  Prepared out;
  const auto smiles = smiles_of_prompt(text);
  if (smiles) {
    InputRecord record = record_of_text(*smiles);
    Prompt made = make_prompt(record, source, prompt_options_);
    // Only where the prompt is what the checkpoint is asked for that molecule.
    if (made.ok() && made.text_template.smiles != *smiles) {
      made.refusal = fmt::format("{}: {}: the prompt of this molecule is {}", source,
                                 in_quotes(*smiles), in_quotes(made.text_template.smiles, 200));
    }
    if (made.ok()) {
      out.prompt = std::make_shared<const Prompt>(std::move(made));
      out.request = maker_.make(*out.prompt);
    } else if (exact) {
      out.cause = made.refusal;
    }
  } else if (exact) {
    out.cause =
        fmt::format("{}: {}: the exact rule needs {}", source, in_quotes(text), prompt_text("..."));
  }
  if (!out.cause.empty()) return out;
  if (!out.prompt) {
    const std::vector<TokenId> ids = work_.model->tokenizer->encode(text);
    out.request.prompt = work_.model->prompt_prefix;
    out.request.prompt.insert(out.request.prompt.end(), ids.begin(), ids.end());
    out.request.max_new_tokens = maker_.options().max_new_tokens;
  }
  out.key = smiles ? *smiles : text;
  out.request.sampling = maker_.options().sampling;
  out.request.seed = maker_.options().seed;
  return out;
}

const char* CompletionJob::reason_of(const Product& product) const {
  if (!product.cause.empty()) return "error";
  return product.reason == FinishReason::kLength ? "length" : "stop";
}

SampleJob::Product CompletionJob::read(const Prepared& /*prepared*/, size_t prompt, uint32_t sample,
                                       Completion&& completion) {
  Product out;
  out.reason = completion.reason;
  out.tokens = static_cast<uint32_t>(completion.tokens.size());
  if (completion.reason == FinishReason::kFailed) out.cause = completion.error;
  std::string text = answer_text(*work_.model, completion);
  const VisibleText visible = visible_text(text, work_.body.stops, true);
  if (visible.stopped) out.reason = FinishReason::kEndOfSequence;
  text.resize(visible.size);
  if (work_.body.stream && (out.cause.empty() || out.tokens > 0))
    show(prompt * samples() + sample, text, reason_of(out), out.cause);
  out.text = std::move(text);
  return out;
}

void CompletionJob::progressed(uint64_t prompt, uint32_t sample, std::span<const TokenId> tokens) {
  // Texts are made by the workers; one that comes late shows nothing new.
  resources().workers.post([self = std::static_pointer_cast<CompletionJob>(shared_from_this()),
                            index = prompt * samples() + sample,
                            ids = std::vector<TokenId>(tokens.begin(), tokens.end())] {
    const std::string text = self->work_.model->tokenizer->decode(ids);
    const VisibleText visible = visible_text(text, self->work_.body.stops, false);
    self->show(index, text.substr(0, visible.size), nullptr, "");
  });
}

void CompletionJob::begin_stream() {
  if (std::exchange(begun_, true)) return;
  HttpAnswer head;
  head.content_type = "text/event-stream";
  head.fields = {{"Cache-Control", "no-store"}};
  responder().begin(std::move(head));
}

// `reason` null: there is more to come.
void CompletionJob::show(size_t index, const std::string& text, const char* reason,
                         const std::string& error) {
  const std::lock_guard lock(mutex_);
  Shown& shown = shown_[index];
  if (over_ || shown.over || (reason == nullptr && text.size() <= shown.bytes)) return;
  begin_stream();
  const std::string_view more = std::string_view(text).substr(std::min(shown.bytes, text.size()));
  shown.bytes = std::max(shown.bytes, text.size());
  shown.over = reason != nullptr;
  responder().write("data: " + answer_of("[" + choice(index, more, reason, error) + "]", false) +
                    "\n\n");
}

std::string CompletionJob::choice(size_t index, std::string_view text, const char* reason,
                                  const std::string& error) const {
  Json json = {{"index", index},
               {"text", text},
               {"logprobs", nullptr},
               {"finish_reason", reason == nullptr ? Json(nullptr) : Json(reason)}};
  if (!error.empty()) json["error"] = error;
  return dump(json);
}

std::string CompletionJob::answer_of(const std::string& choices, bool usage) const {
  const Json head = {{"id", work_.id},
                     {"object", "text_completion"},
                     {"created", work_.created},
                     {"model", work_.model->name}};
  std::string out = dump(head);
  out.pop_back();
  out += ",\"choices\":" + choices;
  if (usage) {
    const Json counts = {{"prompt_tokens", prompt_tokens_},
                         {"completion_tokens", completion_tokens_},
                         {"total_tokens", prompt_tokens_ + completion_tokens_}};
    out += ",\"usage\":" + dump(counts);
  }
  return out + "}";
}

void CompletionJob::deliver(const Prepared& prepared, size_t prompt, uint32_t sample,
                            Product&& product) {
  if (sample == 0) prompt_tokens_ += prepared.request.prompt.size();
  completion_tokens_ += product.tokens;
  if (!product.cause.empty() && product.tokens == 0) {  // nothing was begun: the prompt's fault
    if (refusal_.empty()) {
      refusal_ = prepared.cause.empty() ? fmt::format("prompt {}: {}", prompt + 1, product.cause)
                                        : prepared.cause;
    }
    return;
  }
  if (work_.body.stream) return;
  if (!choices_.empty()) choices_ += ',';
  choices_ += choice(prompt * samples() + sample, product.text, reason_of(product), product.cause);
}

void CompletionJob::finish(End end, const std::string& cause) {
  const std::lock_guard lock(mutex_);
  over_ = true;
  if (end == End::kGone) return;
  if (end != End::kDone) {
    if (begun_) return responder().abort();
    return responder().answer(end_answer(end, cause));
  }
  if (!begun_ && !refusal_.empty())
    return responder().answer(error_answer(400, refusal_, "prompt"));
  if (!work_.body.stream) {
    HttpAnswer answer;
    answer.body = answer_of("[" + choices_ + "]", true) + "\n";
    return responder().answer(std::move(answer));
  }
  begin_stream();
  std::string last;
  if (!refusal_.empty()) {
    std::string body = error_answer(400, refusal_, "prompt").body;
    last += "data: " + body + "\n";
  }
  if (work_.body.stream_usage) last += "data: " + answer_of("[]", true) + "\n\n";
  responder().write(last + "data: [DONE]\n\n");
  responder().end({});
}

}  // namespace molgen3d
