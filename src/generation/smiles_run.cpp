#include "generation/smiles_run.h"

#include <fmt/format.h>

#include "generation/prompt_stream.h"
#include "generation/run_settings.h"

namespace molgen3d {

namespace {

Prompt prompt_of(const std::string& smiles, size_t index, const PromptOptions& options) {
  InputRecord record;
  record.index = index;
  record.smiles = record.text = smiles;
  if (smiles.empty()) record.cause = "empty SMILES";
  return make_prompt(record, fmt::format("smiles[{}]", index), options);
}

}  // namespace

bool run_smiles(const std::shared_ptr<const Model>& model, const std::vector<std::string>& smiles,
                const RunSettings& settings, const SmilesRun& run) {
  const GenerationOptions options = generation_options_of(settings, *model);
  const PromptOptions prompt_options = prompt_options_of(options, *model);
  const std::string device = resolve_device(settings, nullptr);
  const BackendOptions backend = backend_options_of(settings, device, *model);
  Generator generator(model, make_backend(device, *model, backend), options);
  const size_t total = smiles.size() * options.samples;
  size_t taken = 0;
  size_t done = 0;
  GenerationCallbacks callbacks;
  callbacks.next = [&]() -> std::optional<Prompt> {
    if (taken == smiles.size()) return std::nullopt;
    const size_t index = taken++;
    return prompt_of(smiles[index], index, prompt_options);
  };
  callbacks.finished = [&](const Sample&) { ++done; };
  callbacks.deliver = [&](const Sample& sample) { run.deliver(sample, options.seed); };
  callbacks.stop = [&] { return run.stop(done, total); };
  return generator.run(callbacks);
}

}  // namespace molgen3d
