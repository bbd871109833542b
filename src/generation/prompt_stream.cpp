#include "generation/prompt_stream.h"

#include <array>
#include <filesystem>

#include "base/error.h"

namespace molgen3d {

namespace {

// Records parsed at a time: enough to share between threads, few enough to start at once.
constexpr size_t kChunk = 64;

bool names_a_file(const std::string& input) {
  if (input == "-") return true;
  std::error_code ignored;
  if (std::filesystem::is_regular_file(input, ignored)) return true;
  static constexpr std::array kEndings = {".smi", ".smiles", ".txt", ".csv", ".tsv",
                                          ".sdf", ".sd",     ".mol", ".gz"};
  const std::string ending = std::filesystem::path(input).extension().string();
  for (const char* known : kEndings) {
    if (ending == known) return true;
  }
  return false;
}

Prompt make_prompt(const InputRecord& record, const std::string& source,
                   const SkeletonOptions& options) {
  Prompt prompt;
  prompt.source = source;
  prompt.title = record.title;
  prompt.input = record.smiles;
  const auto refuse = [&](const std::string& cause) {
    prompt.refusal = source + ": " +
                     (record.smiles.empty() && record.text.empty()
                          ? ""
                          : quoted(record.smiles.empty() ? record.text : record.smiles) + ": ") +
                     cause;
  };
  if (!record.ok()) {
    refuse(record.cause);
    return prompt;
  }
  try {
    prompt.molecule = molecule_of(record);
    SkeletonResult result = make_skeleton(*prompt.molecule, options);
    if (result.ok()) {
      prompt.skeleton = std::move(result.skeleton);
    } else {
      refuse(result.cause);
    }
  } catch (const Error& error) {
    refuse(error.what());
  }
  return prompt;
}

}  // namespace

PromptStream::PromptStream(std::vector<std::string> inputs, const PromptStreamOptions& options)
    : inputs_(std::move(inputs)), options_(options), pool_(options.threads) {
  for (const std::string& input : inputs_) {
    // A missing file is found now, not after an hour of work on the files before it.
    if (input != "-" && names_a_file(input)) RecordReader(input, options_.reader);
  }
}

PromptStream::~PromptStream() = default;

// One record and the name to show for its place.
bool PromptStream::read(InputRecord& record, std::string& source) {
  for (;;) {
    if (reader_) {
      if (reader_->next(record)) {
        source = reader_->name() + ":" + std::to_string(record.line);
        return true;
      }
      reader_.reset();
    }
    if (next_input_ == inputs_.size()) return false;
    const std::string& input = inputs_[next_input_++];
    if (names_a_file(input)) {
      reader_.emplace(input, options_.reader);
      continue;
    }
    record = InputRecord{};
    const size_t space = input.find_first_of(" \t");
    record.smiles = input.substr(0, space);
    if (space != std::string::npos) {
      const size_t title = input.find_first_not_of(" \t", space);
      if (title != std::string::npos) record.title = input.substr(title);
    }
    record.text = record.smiles;
    source = "argument " + std::to_string(next_input_);
    return true;
  }
}

void PromptStream::refill() {
  std::vector<InputRecord> records;
  std::vector<std::string> sources;
  while (records.size() < kChunk && (options_.limit == 0 || taken_ < options_.limit)) {
    InputRecord record;
    std::string source;
    if (!read(record, source)) break;
    records.push_back(std::move(record));
    sources.push_back(std::move(source));
    ++taken_;
  }
  std::vector<Prompt> prompts(records.size());
  pool_.parallel_for(records.size(), 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      prompts[i] = make_prompt(records[i], sources[i], options_.skeleton);
  });
  for (size_t i = 0; i < prompts.size(); ++i) {
    prompts[i].index = taken_ - prompts.size() + i;
    ready_.push_back(std::move(prompts[i]));
  }
}

std::optional<Prompt> PromptStream::next() {
  if (ready_.empty()) refill();
  if (ready_.empty()) return std::nullopt;
  Prompt prompt = std::move(ready_.front());
  ready_.pop_front();
  return prompt;
}

}  // namespace molgen3d
