#include "cli/run_options.h"

#include <charconv>

#include "base/error.h"
#include "checkpoint/weight_scan.h"
#include "engine/cuda/cuda_backend.h"
#include "generation/sampling_presets.h"

namespace molgen3d {

namespace {

// A CPU is compute-bound from about 8 sequences on; 32 leaves room for forced runs and keeps the
// cache small. The GPU is worth filling.
constexpr uint32_t kCpuBatch = 32;
constexpr uint32_t kCudaBatch = 256;

/// "cuda" is 0, "cuda:2" is 2; throws Error when what follows the colon is no number.
int device_index(const std::string& device) {
  const size_t colon = device.find(':');
  if (colon == std::string::npos) return 0;
  int index = -1;
  const char* const end = device.data() + device.size();
  const auto [stop, status] = std::from_chars(device.data() + colon + 1, end, index);
  if (status != std::errc() || stop != end || index < 0) {
    throw Error::format("--device {}: not one of auto, cpu, cuda, cuda:INDEX", in_quotes(device));
  }
  return index;
}

}  // namespace

void add_device_options(CLI::App& command, RunOptions& options) {
  command
      .add_option("--model", options.model, "Checkpoint directory, or the name of a shipped one")
      ->default_str(kDefaultModel);
  command.add_option("--device", options.device, "auto, cpu, cuda or cuda:INDEX")
      ->capture_default_str();
  command.add_option("--dtype", options.dtype, "Arithmetic: bfloat16, or float32 (CPU only)")
      ->capture_default_str()
      ->check(CLI::IsMember({"bfloat16", "float32"}));
  command
      .add_option("--batch", options.batch,
                  "Sequences at once; does not change results [default: 32 on a CPU, 256 on a GPU]")
      ->check(CLI::Range(1U, 65536U));
  command.add_option("--threads", options.threads,
                     "CPU threads; does not change results [default: all cores]");
}

void add_sampling_options(CLI::App& command, RunOptions& options) {
  command.add_option("--seed", options.seed, "Seed of all sampling")->capture_default_str();
  command
      .add_option("--sampling", options.sampling,
                  "Preset: checkpoint (generation_config.json), greedy, qwen3, top_p_sampling1 ...")
      ->capture_default_str();
  command.add_option("--temperature", options.temperature, "Overrides the preset");
  command.add_option("--top-k", options.top_k, "Overrides the preset; 0: off");
  command.add_option("--top-p", options.top_p, "Overrides the preset; 1: off");
  command
      .add_option("--constraint", options.constraint,
                  "exact, none, or a rule of the study: generic, qwen, qwen-v4.0, allowlist")
      ->capture_default_str();
  command
      .add_option("--prompt", options.prompt, "canonical, or as-given: keep the SMILES as typed")
      ->capture_default_str()
      ->check(CLI::IsMember({"canonical", "as-given"}));
  command.add_option("--descriptors", options.descriptors,
                     "Atom text: verbatim, hcount or study [default: as the checkpoint says]");
  command.add_option("--max-new-tokens", options.max_new_tokens,
                     "Bound on generated tokens [default: what the molecule can need]");
  command.add_flag("--audit", options.audit,
                   "Full output matrix for every token: raw log-probabilities and kept mass");
  command.add_flag("--no-forced-runs", options.no_forced_runs, "One token per pass (ablation)")
      ->group("Ablation");
  command.add_flag("--full-output", options.full_output, "Whole output matrix (ablation)")
      ->group("Ablation");
}

SamplingParams sampling_of(const RunOptions& options, const Model& model) {
  SamplingParams params = sampling_preset(options.sampling, model.checkpoint->generation());
  if (options.temperature) params.temperature = *options.temperature;
  if (options.top_k) params.top_k = *options.top_k;
  if (options.top_p) params.top_p = *options.top_p;
  if (options.temperature && *options.temperature == 0) {
    params.greedy = true;
    params.temperature = 1;
  }
  if (!(params.temperature > 0))
    throw Error::format("--temperature {} is not >= 0", params.temperature);
  if (!(params.top_p > 0 && params.top_p <= 1))
    throw Error::format("--top-p {} is not in (0, 1]", params.top_p);
  if (params.top_k < 0) throw Error::format("--top-k {} is not >= 0", params.top_k);
  return params;
}

GenerationOptions generation_options_of(const RunOptions& options, const Model& model) {
  GenerationOptions out;
  out.rule = constraint_rule(options.constraint);
  out.prompt_style = options.prompt == "as-given" ? SmilesStyle::kAsGiven : SmilesStyle::kCanonical;
  if (options.descriptors) out.descriptors = descriptor_style(*options.descriptors);
  out.sampling = sampling_of(options, model);
  out.seed = options.seed;
  out.samples = options.samples;
  out.max_new_tokens = options.max_new_tokens;
  return out;
}

BackendOptions backend_options_of(const RunOptions& options, const std::string& device,
                                  const Model& model) {
  BackendOptions out;
  out.slots = options.batch != 0 ? options.batch : device == "cpu" ? kCpuBatch : kCudaBatch;
  out.threads = options.threads;
  out.device = device_index(device);
  out.compute = options.dtype == "float32" ? DataType::kFloat32 : DataType::kBFloat16;
  out.merge_forced_runs = !options.no_forced_runs;
  out.gather_output = !options.full_output;
  out.audit = options.audit;
  out.end_of_sequence = model.end_of_sequence;
  return out;
}

std::string resolve_device(const RunOptions& options, std::string* note) {
  const std::string& device = options.device;
  if (device == "cpu" || (device == "auto" && options.audit)) return "cpu";
  std::string why_not;
  const bool usable = cuda_available(&why_not);
  if (device == "auto") {
    if (note != nullptr && !usable) *note = why_not;
    return usable ? "cuda" : "cpu";
  }
  if (device != "cuda" && !device.starts_with("cuda:")) {
    throw Error::format("--device {}: not one of auto, cpu, cuda, cuda:INDEX", in_quotes(device));
  }
  if (!usable) throw Error::format("--device {}: {}", device, why_not);
  return device;
}

MemoryPlan plan_memory(const std::string& device, const Model& model,
                       const BackendOptions& options) {
  return device == "cpu" ? plan_cpu_memory(model.checkpoint->config(), options)
                         : plan_cuda_memory(model.checkpoint->config(), options);
}

std::unique_ptr<Backend> make_backend(const std::string& device, const Model& model,
                                      const BackendOptions& options) {
  require_finite_weights(*model.checkpoint);
  return device == "cpu" ? make_cpu_backend(model.checkpoint, options)
                         : make_cuda_backend(model.checkpoint, options);
}

}  // namespace molgen3d
