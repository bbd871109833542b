#include "server/conformer_job.h"

#include <fmt/format.h>

#include <utility>

#include "base/json_text.h"
#include "generation/acceptance.h"
#include "generation/record_stream.h"
#include "generation/run_settings.h"

namespace molgen3d {

namespace {

const char* content_type(OutputFormat format) {
  switch (format) {
    case OutputFormat::kSdf:
      return "chemical/x-mdl-sdfile";
    case OutputFormat::kXyz:
      return "chemical/x-xyz";
    case OutputFormat::kJsonLines:
      return "application/x-ndjson";
    case OutputFormat::kEnriched:
      return "text/plain; charset=utf-8";
  }
  return "application/octet-stream";
}

/// The object of `line` with one member more.
void add_sdf(std::string& line, const std::string& sdf) {
  line.erase(line.rfind('}'));
  line += ",\"sdf\":";
  append_json_string(line, sdf);
  line += "}\n";
}

}  // namespace

ConformerJob::ConformerJob(JobResources& resources, std::shared_ptr<Responder> responder,
                           std::unique_ptr<Admission::Place> place, Work work,
                           const ServerLimits& limits)
    : SampleJob(resources, std::move(responder), std::move(place), work.body.smiles.size(),
                work.body.settings.samples, limits.request_seconds),
      work_(std::move(work)),
      maker_(work_.model, generation_options_of(work_.body.settings, *work_.model)),
      prompt_options_(prompt_options_of(maker_.options(), *work_.model)),
      most_atoms_(limits.atoms) {}

SampleJob::Prepared ConformerJob::prepare(size_t prompt) {
  // Records are called as `generate` calls those of its command line.
  InputRecord record = record_of_text(work_.body.smiles[prompt]);
  record.index = prompt;
  const std::string source = fmt::format("argument {}", prompt + 1);
  Prepared out;
  Prompt made = make_prompt(record, source, prompt_options_);
  if (made.ok() && made.molecule->atom_count() > most_atoms_) {
    made.refusal =
        record_failure(source, record,
                       fmt::format("{} heavy atoms; this server takes molecules of at most {}",
                                   made.molecule->atom_count(), most_atoms_));
  }
  out.prompt = std::make_shared<const Prompt>(std::move(made));
  out.cause = out.prompt->refusal;
  if (!out.cause.empty()) return out;
  out.key = out.prompt->text_template.smiles;
  try {
    out.request = maker_.make(*out.prompt);
    out.request.sampling = maker_.options().sampling;
    out.request.seed = maker_.options().seed;
  } catch (const Error& error) {
    out.cause = error.what();
  }
  return out;
}

SampleJob::Product ConformerJob::read(const Prepared& prepared, size_t /*prompt*/, uint32_t index,
                                      Completion&& completion) {
  Product out;
  out.reason = completion.reason;
  out.tokens = static_cast<uint32_t>(completion.tokens.size());
  const Sample sample{prepared.prompt, index, std::move(completion)};
  Conformer conformer = read_conformer(*work_.model, sample);
  out.text = written_record(sample, conformer, work_.body.records);
  if (acceptance_of(conformer) == Acceptance::kDrop) {
    out.cause = conformer.cause;
  } else if (work_.body.with_sdf) {
    OutputSettings sdf = work_.body.records;
    sdf.format = OutputFormat::kSdf;
    add_sdf(out.text, written_record(sample, conformer, sdf));
  }
  return out;
}

void ConformerJob::begin() {
  if (std::exchange(begun_, true)) return;
  HttpAnswer head;
  head.content_type = content_type(work_.body.records.format);
  head.fields = {{"Cache-Control", "no-store"},
                 {"X-Molgen3d-Seed", std::to_string(work_.body.settings.seed)},
                 {"Trailer", "X-Molgen3d-Kept, X-Molgen3d-Failed"}};
  responder().begin(std::move(head));
}

void ConformerJob::deliver(const Prepared& /*prepared*/, size_t /*prompt*/, uint32_t /*sample*/,
                           Product&& product) {
  ++(product.cause.empty() ? kept_ : failed_);
  if (first_cause_.empty()) first_cause_ = product.cause;
  if (product.text.empty()) return;
  begin();
  responder().write(std::move(product.text));
}

void ConformerJob::finish(End end, const std::string& cause) {
  if (end == End::kGone) return;
  if (begun_ && end == End::kDone) {
    return responder().end({{"X-Molgen3d-Kept", std::to_string(kept_)},
                            {"X-Molgen3d-Failed", std::to_string(failed_)}});
  }
  // What was sent is a whole number of records; that there should be more is said by the break.
  if (begun_) return responder().abort();
  if (end != End::kDone) return responder().answer(end_answer(end, cause));
  responder().answer(
      error_answer(422, fmt::format("none of {} conformers: {}", failed_, first_cause_), "smiles"));
}

}  // namespace molgen3d
