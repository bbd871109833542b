#include "generation/generate.h"

#include "generation/conformer.h"
#include "generation/record_output.h"
#include "generation/smiles_run.h"

namespace molgen3d {

namespace {

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
  std::vector<GeneratedConformer> out;
  out.reserve(smiles.size() * settings.samples);
  run_smiles(
      model, smiles, settings,
      {.deliver =
           [&](const Sample& sample, uint64_t seed) {
             const size_t molecule = sample.prompt->index;
             out.push_back(generated(*model, sample, molecule, smiles[molecule], seed));
           },
       .stop = [&](size_t done, size_t total) { return progress && !progress(done, total); }});
  return out;
}

}  // namespace molgen3d
