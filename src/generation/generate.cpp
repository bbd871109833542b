#include "generation/generate.h"

#include <fmt/format.h>

#include "generation/conformer.h"
#include "generation/prompt_stream.h"
#include "generation/record_output.h"
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

GeneratedConformer generated(const Model& model, const Sample& sample, size_t molecule,
                             const std::string& smiles, uint64_t seed) {
  Conformer conformer = read_conformer(model, sample);
  GeneratedConformer out;
  out.molecule = molecule;
  out.sample = sample.index;
  out.smiles = smiles;
  out.sdf = written_record(sample, conformer, {.format = OutputFormat::kSdf, .seed = seed});
  out.ok = conformer.ok;
  out.cause = conformer.cause;
  out.enriched = conformer.enriched;
  out.log_probability = sample.completion.masked_log_probability;
  if (!out.ok) return out;
  out.coordinates = conformer.coordinates;
  out.stereo = stereo_summary(conformer.stereo);
  const Molecule read = Molecule::from_smiles(smiles);
  for (size_t i = 0; i < read.atom_count(); ++i) out.elements.push_back(read.element(i));
  return out;
}

}  // namespace

std::shared_ptr<const Model> open_model(const std::string& name) {
  return load_model(find_model(name));
}

std::vector<GeneratedConformer> generate(const std::shared_ptr<const Model>& model,
                                         const std::vector<std::string>& smiles,
                                         const RunSettings& settings,
                                         const GenerationProgress& progress) {
  const GenerationOptions options = generation_options_of(settings, *model);
  const PromptOptions prompt_options = prompt_options_of(options, *model);
  const std::string device = resolve_device(settings, nullptr);
  const BackendOptions backend = backend_options_of(settings, device, *model);
  Generator generator(model, make_backend(device, *model, backend), options);
  const size_t total = smiles.size() * options.samples;
  std::vector<GeneratedConformer> out;
  out.reserve(total);
  size_t taken = 0;
  size_t done = 0;
  GenerationCallbacks callbacks;
  callbacks.next = [&]() -> std::optional<Prompt> {
    if (taken == smiles.size()) return std::nullopt;
    const size_t index = taken++;
    return prompt_of(smiles[index], index, prompt_options);
  };
  callbacks.finished = [&](const Sample&) { ++done; };
  callbacks.deliver = [&](const Sample& sample) {
    const size_t molecule = sample.prompt->index;
    out.push_back(generated(*model, sample, molecule, smiles[molecule], options.seed));
  };
  callbacks.stop = [&] { return progress && !progress(done, total); };
  generator.run(callbacks);
  return out;
}

}  // namespace molgen3d
