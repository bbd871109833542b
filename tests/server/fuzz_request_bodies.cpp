// Any bytes as the body of a request: a value within the limits, or one line of a cause.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/completion_text.h"
#include "server/fields.h"
#include "server/request_bodies.h"

using namespace molgen3d;

static void require(bool condition) {
  if (!condition) std::abort();
}

template <typename Read>
static void try_to(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    const std::string_view cause = error.what();
    require(!cause.empty() && cause.find('\n') == cause.npos && cause.size() < 2000);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const ServerLimits limits{.molecules = 5, .prompts = 4, .samples = 3};
  try_to([&] {
    const ConformersBody read = conformers_body(body, "model", limits);
    require(!read.smiles.empty() && read.smiles.size() <= limits.molecules);
    require(read.settings.samples >= 1 && read.settings.samples <= limits.samples);
    require(read.records.seed == read.settings.seed);
  });
  try_to([&] {
    const CompletionsBody read = completions_body(body, "model", limits);
    require(!read.prompts.empty() && read.prompts.size() <= limits.prompts);
    require(read.settings.samples >= 1 && read.settings.samples <= limits.samples);
    for (const std::string& prompt : read.prompts) {
      // What is shown early stays what it is.
      size_t shown = 0;
      for (size_t end = 0; end <= prompt.size(); ++end) {
        const VisibleText now =
            visible_text(std::string_view(prompt).substr(0, end), read.stops, false);
        require(now.size <= end && now.size >= shown);
        shown = now.size;
        if (now.stopped) break;
      }
      require(visible_text(prompt, read.stops, true).size >= shown);
    }
  });
  try_to([&] { require(!batch_line(body).body.empty()); });
  try_to([&] { require(etkdg_body(body, limits).conformers <= limits.embedded_samples); });
  return 0;
}
