#include "generate.h"

#include <charconv>
#include <chrono>

#include "base/error.h"
#include "checkpoint/weight_scan.h"
#include "engine/backend.h"
#include "engine/cuda/cuda_backend.h"
#include "generation/prompt_stream.h"
#include "generation/sampling_presets.h"

namespace molgen3d::python {

namespace {

// As the program: a CPU is compute-bound from about 8 sequences on, a GPU is worth filling.
constexpr uint32_t kCpuBatch = 32;
constexpr uint32_t kCudaBatch = 256;
constexpr auto kPollInterval = std::chrono::milliseconds(100);

SamplingParams sampling_of(const GenerateSettings& settings, const Model& model) {
  SamplingParams params = sampling_preset(settings.sampling, model.checkpoint->generation());
  if (settings.temperature) params.temperature = *settings.temperature;
  if (settings.top_k) params.top_k = *settings.top_k;
  if (settings.top_p) params.top_p = *settings.top_p;
  if (settings.temperature && *settings.temperature == 0) {
    params.greedy = true;
    params.temperature = 1;
  }
  if (!(params.temperature > 0)) {
    throw Error::format("temperature {} is not >= 0", params.temperature);
  }
  if (!(params.top_p > 0 && params.top_p <= 1)) {
    throw Error::format("top_p {} is not in (0, 1]", params.top_p);
  }
  if (params.top_k < 0) throw Error::format("top_k {} is not >= 0", params.top_k);
  return params;
}

GenerationOptions options_of(const GenerateSettings& settings, const Model& model) {
  if (settings.samples == 0) throw Error("n 0: at least one sample is needed");
  GenerationOptions out;
  out.rule = constraint_rule(settings.rule);
  if (settings.style != "canonical" && settings.style != "as-given") {
    throw Error::format("SMILES style {}: not one of canonical, as-given",
                        in_quotes(settings.style));
  }
  out.prompt_style = settings.style == "as-given" ? SmilesStyle::kAsGiven : SmilesStyle::kCanonical;
  if (settings.descriptors) out.descriptors = descriptor_style(*settings.descriptors);
  out.sampling = sampling_of(settings, model);
  out.seed = settings.seed;
  out.samples = settings.samples;
  out.max_new_tokens = settings.max_new_tokens;
  return out;
}

std::unique_ptr<Backend> backend_of(const GenerateSettings& settings,
                                    const std::shared_ptr<const Model>& model) {
  std::string why_not;
  const bool usable = settings.device != "cpu" && cuda_available(&why_not);
  const bool named_cuda = settings.device == "cuda" || settings.device.starts_with("cuda:");
  if (settings.device != "auto" && settings.device != "cpu" && !named_cuda) {
    throw Error::format("device {}: not one of auto, cpu, cuda, cuda:INDEX",
                        in_quotes(settings.device));
  }
  if (named_cuda && !usable) throw Error::format("device {}: {}", settings.device, why_not);
  BackendOptions options;
  options.slots = settings.batch != 0 ? settings.batch : usable ? kCudaBatch : kCpuBatch;
  options.threads = settings.threads;
  if (settings.dtype == "float32") {
    options.compute = DataType::kFloat32;
  } else if (settings.dtype == "bfloat16") {
    options.compute = DataType::kBFloat16;
  } else {
    throw Error::format("dtype {}: not one of bfloat16, float32", in_quotes(settings.dtype));
  }
  if (settings.device.starts_with("cuda:")) {
    const std::string index = settings.device.substr(5);
    const auto* end = index.data() + index.size();
    if (std::from_chars(index.data(), end, options.device).ptr != end || index.empty()) {
      throw Error::format("device {}: no device index", in_quotes(settings.device));
    }
  }
  options.end_of_sequence = model->end_of_sequence;
  require_finite_weights(*model->checkpoint);
  return usable ? make_cuda_backend(model->checkpoint, options)
                : make_cpu_backend(model->checkpoint, options);
}

}  // namespace

std::vector<Generated> generate(const std::shared_ptr<const Model>& model,
                                const std::vector<std::string>& smiles,
                                const GenerateSettings& settings,
                                const std::function<bool(size_t, size_t)>& poll) {
  const GenerationOptions options = options_of(settings, *model);
  SkeletonOptions skeleton;
  skeleton.style = options.prompt_style;
  // The prompt and the strict check follow the checkpoint; position rules bring their own
  // descriptors.
  skeleton.descriptors = model->checkpoint->format().hydrogen_counts
                             ? DescriptorStyle::kHydrogenCount
                             : DescriptorStyle::kVerbatim;
  const bool position_rule =
      options.rule != ConstraintRule::kExact && options.rule != ConstraintRule::kNone;
  if (options.descriptors && !position_rule) skeleton.descriptors = *options.descriptors;

  Generator generator(model, backend_of(settings, model), options);
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
    return make_prompt(record, fmt::format("smiles[{}]", taken++), skeleton);
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
