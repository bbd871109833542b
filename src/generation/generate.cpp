#include "generation/generate.h"

#include "generation/record_output.h"
#include "generation/run.h"

namespace molgen3d {

namespace {

GeneratedConformer generated(const Sample& sample, Conformer& conformer, const std::string& smiles,
                             uint64_t seed) {
  GeneratedConformer out;
  out.molecule = sample.prompt->index;
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

class Collector : public RunSink {
 public:
  Collector(const std::vector<std::string>& smiles, uint64_t seed) : smiles_(smiles), seed_(seed) {}

  Acceptance accept(const Sample& sample, Conformer& conformer) override {
    found.push_back(generated(sample, conformer, smiles_[sample.prompt->index], seed_));
    return acceptance_of(conformer);
  }
  bool finish(const RunOutcome&) override { return true; }

  std::vector<GeneratedConformer> found;

 private:
  const std::vector<std::string>& smiles_;
  uint64_t seed_;
};

}  // namespace

std::shared_ptr<const Model> open_model(const std::string& name) {
  return load_model(find_model(name));
}

std::vector<GeneratedConformer> generate(const std::shared_ptr<const Model>& model,
                                         const std::vector<std::string>& smiles,
                                         const RunSettings& settings,
                                         const GenerationProgress& progress) {
  RunPlan plan(model, settings);
  plan.source = smiles_source(smiles, plan.prompts);
  const size_t total = smiles.size() * settings.samples;
  Collector collector(smiles, settings.seed);
  collector.found.reserve(total);
  RunControl control;
  if (progress) control.stop = [&](size_t done) { return !progress(done, total); };
  Run(std::move(plan), collector).go(control);
  return std::move(collector.found);
}

}  // namespace molgen3d
