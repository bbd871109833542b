#include "generate.h"

#include <chrono>

#include "base/error.h"
#include "generation/prompt_stream.h"

namespace molgen3d::python {

namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(100);

}  // namespace

std::vector<Generated> generate(const std::shared_ptr<const Model>& model,
                                const std::vector<std::string>& smiles, const RunSettings& settings,
                                const std::function<bool(size_t, size_t)>& poll) {
  const GenerationOptions options = generation_options_of(settings, *model);
  const PromptOptions prompt_options = prompt_options_of(options, *model);
  const std::string device = resolve_device(settings, nullptr);
  const BackendOptions backend = backend_options_of(settings, device, *model);
  Generator generator(model, make_backend(device, *model, backend), options);
  const size_t total = smiles.size() * options.samples;
  std::vector<Generated> out;
  out.reserve(total);
  size_t finished = 0;
  size_t taken = 0;
  auto last = std::chrono::steady_clock::now();
  GenerationCallbacks callbacks;
  callbacks.next = [&]() -> std::optional<Prompt> {
    if (taken == smiles.size()) return std::nullopt;
    InputRecord record;
    record.index = taken;
    record.smiles = record.text = smiles[taken];
    if (record.smiles.empty()) record.cause = "empty SMILES";
    return make_prompt(record, fmt::format("smiles[{}]", taken++), prompt_options);
  };
  callbacks.finished = [&](const Sample&) { ++finished; };
  callbacks.deliver = [&](const Sample& sample) {
    out.push_back({sample, read_conformer(*model, sample), options.seed});
  };
  callbacks.stop = [&] {
    const auto now = std::chrono::steady_clock::now();
    if (now - last < kPollInterval) return false;
    last = now;
    return !poll(finished, total);
  };
  if (generator.run(callbacks)) poll(total, total);
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
