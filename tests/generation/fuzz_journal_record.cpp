// Any lines as the finished samples of a journal: passed over, or samples that the run can give
// and that are written back as they were read.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "generation/journal_record.h"

using namespace molgen3d;

static void require(bool condition) {
  if (!condition) std::abort();
}

// The sample of `line`, if `bounds` admit it.
static std::optional<Sample> sample_of(const std::string& line, const SampleBounds& bounds) {
  const FinishedSamples finished({line}, bounds, "fuzz");
  if (finished.size() == 0) return std::nullopt;
  const auto json = nlohmann::json::parse(line);
  auto prompt = std::make_shared<Prompt>();
  prompt->index = json.at("record");
  prompt->text_template.smiles = json.at("smiles");
  const uint32_t index = json.at("sample");
  const auto completion = finished.find(*prompt, index);
  require(completion.has_value());
  return Sample{prompt, index, *completion};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const SampleBounds bounds{
      .samples = 1U + data[0] % 8, .vocabulary = 1000, .audit = data[0] >= 128};
  std::istringstream text(std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  for (std::string line; std::getline(text, line);) {
    const auto sample = sample_of(line, bounds);
    if (!sample) continue;
    const Completion& done = sample->completion;
    require(sample->index < bounds.samples && done.sample == sample->index);
    for (const TokenId id : done.tokens) require(id < bounds.vocabulary);
    if (done.reason != FinishReason::kFailed)
      require(size_t{done.sampled_tokens} + done.forced_tokens == done.tokens.size());
    const std::string written = journal_line(*sample);
    const auto again = sample_of(written, bounds);
    require(again && journal_line(*again) == written);
  }
  return 0;
}
