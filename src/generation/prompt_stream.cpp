#include "generation/prompt_stream.h"

#include <algorithm>

#include "base/error.h"
#include "molecule/hard_set.h"
#include "molecule/stereo.h"

namespace molgen3d {

namespace {

// Records parsed at a time: enough to share between threads, few enough to start at once.
constexpr size_t kChunk = 64;

}  // namespace

namespace {

/// One line each, for the user: nothing of the input is left out in silence.
std::vector<std::string> notes_on(const Molecule& molecule, const Template& text_template) {
  std::vector<std::string> notes = molecule.notes();
  for (const std::string& what : unjudged_stereo(molecule))
    notes.push_back(what + " is not judged");
  const size_t asked = specified_centres(molecule);
  size_t written = 0;
  const std::string& text = text_template.smiles;
  for (size_t at = text.find('@'); at != text.npos; at = text.find('@', at)) {
    ++written;
    at = std::min(text.find_first_not_of('@', at), text.size());
  }
  if (written < asked) {
    notes.push_back(fmt::format("the prompt shows {} of {} stereocentres", written, asked));
  }
  return notes;
}

}  // namespace

Prompt make_prompt(const InputRecord& record, const std::string& source,
                   const PromptOptions& options) {
  Prompt prompt;
  prompt.index = record.index;
  prompt.source = source;
  prompt.title = record.title;
  prompt.input = record.smiles;
  if (!record.ok()) {
    prompt.refusal = record_failure(source, record, record.cause);
    return prompt;
  }
  try {
    prompt.molecule = molecule_of(record);
    TemplateResult result = make_template(*prompt.molecule, options.text_template);
    if (result.ok()) {
      prompt.text_template = std::move(result.text_template);
      if (options.geometry.any()) {
        prompt.hard_set = std::make_shared<const geometry::HardSet>(
            hard_set_of(*prompt.molecule, prompt.text_template, options.geometry));
      }
      prompt.notes = notes_on(*prompt.molecule, prompt.text_template);
    } else {
      prompt.refusal = record_failure(source, record, result.cause);
    }
  } catch (const Error& error) {
    prompt.refusal = record_failure(source, record, error.what());
  }
  return prompt;
}

PromptSource smiles_source(const std::vector<std::string>& smiles, const PromptOptions& options) {
  return [&smiles, options, next = size_t{0}]() mutable -> std::optional<Prompt> {
    if (next == smiles.size()) return std::nullopt;
    InputRecord record;
    record.index = next++;
    record.smiles = record.text = smiles[record.index];
    if (record.smiles.empty()) record.cause = "empty SMILES";
    return make_prompt(record, fmt::format("smiles[{}]", record.index), options);
  };
}

PromptStream::PromptStream(std::vector<std::string> inputs, const PromptStreamOptions& options)
    : options_(options), pool_(options.threads) {
  auto records = std::make_shared<RecordStream>(std::move(inputs), options.reader);
  feed_.next = [records](FedRecord& fed) { return records->next(fed.record, fed.source); };
}

PromptStream::PromptStream(RecordFeed feed, const PromptStreamOptions& options)
    : feed_(std::move(feed)), options_(options), pool_(options.threads) {}

void PromptStream::refill() {
  const size_t wanted = feed_.at_a_time ? std::min(feed_.at_a_time(), kChunk) : kChunk;
  std::vector<FedRecord> records;
  while (records.size() < wanted && (options_.limit == 0 || taken_ < options_.limit)) {
    FedRecord fed;
    if (!feed_.next(fed)) break;
    records.push_back(std::move(fed));
    ++taken_;
  }
  std::vector<Prompt> prompts(records.size());
  pool_.parallel_for(records.size(), 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      prompts[i] = make_prompt(records[i].record, records[i].source, options_.prompt);
      prompts[i].repeat = records[i].repeat;
    }
  });
  for (Prompt& prompt : prompts) ready_.push_back(std::move(prompt));
}

std::optional<Prompt> PromptStream::next() {
  if (ready_.empty()) refill();
  if (ready_.empty()) return std::nullopt;
  Prompt prompt = std::move(ready_.front());
  ready_.pop_front();
  return prompt;
}

}  // namespace molgen3d
