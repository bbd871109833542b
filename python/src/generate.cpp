#include "generate.h"

#include <chrono>

#include "base/error.h"
#include "generation/smiles_run.h"

namespace molgen3d::python {

namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(100);

}  // namespace

std::vector<Generated> generate(const std::shared_ptr<const Model>& model,
                                const std::vector<std::string>& smiles, const RunSettings& settings,
                                const std::function<bool(size_t, size_t)>& poll) {
  std::vector<Generated> out;
  out.reserve(smiles.size() * settings.samples);
  auto last = std::chrono::steady_clock::now();
  const bool whole =
      run_smiles(model, smiles, settings,
                 {.deliver =
                      [&](const Sample& sample, uint64_t seed) {
                        out.push_back({sample, read_conformer(*model, sample), seed});
                      },
                  .stop =
                      [&](size_t done, size_t total) {
                        const auto now = std::chrono::steady_clock::now();
                        if (now - last < kPollInterval) return false;
                        last = now;
                        return !poll(done, total);
                      }});
  const size_t total = smiles.size() * settings.samples;
  if (whole) poll(total, total);
  return out;
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
