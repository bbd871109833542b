#include "generate.h"

#include <chrono>

#include "base/error.h"
#include "generation/run.h"

namespace molgen3d::python {

namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(100);

class Collector : public RunSink {
 public:
  explicit Collector(uint64_t seed) : seed_(seed) {}

  Acceptance accept(const Sample& sample, Conformer& conformer) override {
    const Acceptance kept = acceptance_of(conformer);
    found.push_back({sample, std::move(conformer), seed_});
    return kept;
  }
  bool finish(const RunOutcome&) override { return true; }

  std::vector<Generated> found;

 private:
  uint64_t seed_;
};

}  // namespace

std::vector<Generated> generate(const std::shared_ptr<const Model>& model,
                                const std::vector<std::string>& smiles, const RunSettings& settings,
                                const std::function<bool(size_t, size_t)>& poll) {
  RunPlan plan(model, settings);
  plan.source = smiles_source(smiles, plan.prompts);
  const size_t total = smiles.size() * settings.samples;
  Collector collector(settings.seed);
  collector.found.reserve(total);
  auto last = std::chrono::steady_clock::now();
  RunControl control;
  control.stop = [&](size_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last < kPollInterval) return false;
    last = now;
    return !poll(done, total);
  };
  if (Run(std::move(plan), collector).go(control).complete()) poll(total, total);
  return std::move(collector.found);
}

std::string generated_record(const Generated& generated, OutputFormat format, bool add_hydrogens) {
  if (!generated.conformer.ok) {
    throw Error::format("no structure: {}", generated.conformer.cause);
  }
  return output_record(
      generated.sample, generated.conformer,
      {.format = format, .add_hydrogens = add_hydrogens, .seed = generated.seed, .audit = false});
}

}  // namespace molgen3d::python
