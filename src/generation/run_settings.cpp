#include "generation/run_settings.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "engine/cuda/cuda_backend.h"
#include "generation/acceptance.h"
#include "generation/sampling_presets.h"

namespace molgen3d {

namespace {

// A CPU is compute-bound from about 8 sequences on; 32 leaves room for forced runs and keeps the
// cache small. The GPU is worth filling.
constexpr uint32_t kCpuBatch = 32;
constexpr uint32_t kCudaBatch = 256;

/// Nothing stands for as many as pay.
std::optional<uint32_t> drafts_of(const std::string& speculate) {
  if (speculate == "auto") return std::nullopt;
  if (speculate == "off") return 0;
  uint32_t drafts = 0;
  const char* end = speculate.data() + speculate.size();
  const auto [stop, error] = std::from_chars(speculate.data(), end, drafts);
  if (error != std::errc() || stop != end || drafts < 1 || drafts > kMostDrafts) {
    throw Error::format("speculate {}: not auto, off or a number from 1 to {}",
                        in_quotes(speculate), kMostDrafts);
  }
  return drafts;
}

constexpr const char* kDeviceForms =
    "not one of auto, cpu, cpu:ENGINES, cuda, cuda:INDEX, cuda:INDEX,INDEX,... or cuda:all";

bool is_cpu(const std::string& device) {
  return device == "cpu" || device.starts_with("cpu:");
}

/// A number of a device's name; `device` is the whole name, for the message.
int device_number(std::string_view text, const std::string& device) {
  int number = -1;
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, number);
  if (status != std::errc() || stop != end || number < 0)
    throw Error::format("device {}: {}", in_quotes(device), kDeviceForms);
  return number;
}

/// "cuda" is 0, "cuda:2" is 2.
int device_index(const std::string& device) {
  const size_t colon = device.find(':');
  if (colon == std::string::npos) return 0;
  return device_number(std::string_view(device).substr(colon + 1), device);
}

// Code for another kind of device adds in another order: its last bits differ.
void require_one_kind(const std::string& device, const std::vector<int>& indices) {
  const std::vector<std::string> kinds = cuda_device_kinds();
  for (const int index : indices) {
    const auto place = static_cast<size_t>(index);
    if (place >= kinds.size()) {
      throw Error::format("device {}: there are {} CUDA devices, numbered from 0", device,
                          kinds.size());
    }
    const std::string& first = kinds[static_cast<size_t>(indices.front())];
    if (kinds[place] == first) continue;
    throw Error::format(
        "device {}: cuda:{} is of {} and cuda:{} of {}, whose results differ in their last digits; "
        "name devices of one kind",
        device, indices.front(), first, index, kinds[place]);
  }
}

std::vector<std::string> cuda_devices(const std::string& device) {
  const std::string_view list = std::string_view(device).substr(std::string_view("cuda:").size());
  std::vector<int> indices;
  if (list == "all") {
    const auto count = static_cast<int>(cuda_device_kinds().size());
    for (int index = 0; index < count; ++index) indices.push_back(index);
  } else {
    for (size_t begin = 0; begin <= list.size();) {
      const size_t end = std::min(list.find(',', begin), list.size());
      const int index = device_number(list.substr(begin, end - begin), device);
      if (std::find(indices.begin(), indices.end(), index) != indices.end())
        throw Error::format("device {}: {} stands there twice", device, index);
      indices.push_back(index);
      begin = end + 1;
    }
  }
  if (indices.size() > 1) require_one_kind(device, indices);
  std::vector<std::string> out;
  for (const int index : indices) out.push_back(fmt::format("cuda:{}", index));
  return out;
}

std::vector<std::string> cpu_engines(const RunSettings& settings) {
  const int count = device_index(settings.device);
  const size_t threads = settings.threads != 0
                             ? settings.threads
                             : std::max<size_t>(1, std::thread::hardware_concurrency());
  if (count < 1 || static_cast<size_t>(count) > threads) {
    throw Error::format("device {}: {} threads can serve 1 to {} engines", settings.device, threads,
                        threads);
  }
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back(fmt::format("cpu:{}", i));
  return out;
}

void set_geometry(const RunSettings& settings, GenerationOptions& out) {
  const bool exact = out.rule == ConstraintRule::kExact;
  const std::string level = settings.geometry.value_or(exact ? "full" : "off");
  out.geometry = geometry::demand_of(level);
  if (out.geometry.any() && !exact) {
    throw Error::format("geometry {} needs constraint exact, not {}", level, settings.constraint);
  }
  out.keep_outside = acceptance_outside(settings.on_failure) == Acceptance::kKeep;
  if (!(settings.geometry_budget >= 0 && settings.geometry_budget <= 1e6)) {
    throw Error::format("geometry budget {}: not a number of answers from 0 to 1e6",
                        settings.geometry_budget);
  }
  out.geometry_budget = settings.geometry_budget;
  if (settings.geometry_draws) out.geometry_draws = *settings.geometry_draws;
}

}  // namespace

SamplingParams sampling_of(const RunSettings& settings, const Model& model) {
  SamplingParams params = sampling_preset(settings.sampling, model.checkpoint->generation());
  if (settings.temperature) {
    // Also of a greedy preset: whoever gives a temperature wants it.
    params.greedy = *settings.temperature == 0;
    params.temperature = params.greedy ? 1 : *settings.temperature;
  }
  if (settings.top_k) params.top_k = *settings.top_k;
  if (settings.top_p) params.top_p = *settings.top_p;
  if (settings.min_p) params.min_p = *settings.min_p;
  if (!(params.temperature > 0))
    throw Error::format("temperature {} is not >= 0", params.temperature);
  if (!(params.top_p > 0 && params.top_p <= 1))
    throw Error::format("top_p {} is not in (0, 1]", params.top_p);
  if (params.top_k < 0) throw Error::format("top_k {} is not >= 0", params.top_k);
  if (!(params.min_p >= 0 && params.min_p <= 1))
    throw Error::format("min_p {} is not in [0, 1]", params.min_p);
  return params;
}

std::string sampling_note(const RunSettings& settings, const Model& model) {
  const auto& left_out = model.checkpoint->generation().not_applied;
  if (settings.sampling != "checkpoint" || left_out.empty()) return "";
  return fmt::format("{}: not applied: {}",
                     (model.checkpoint->directory() / "generation_config.json").string(),
                     fmt::join(left_out, ", "));
}

GenerationOptions generation_options_of(const RunSettings& settings, const Model& model) {
  if (settings.samples == 0) throw Error("n 0: at least one sample is needed");
  GenerationOptions out;
  out.rule = constraint_rule(settings.constraint);
  out.prompt_style = smiles_style(settings.prompt);
  if (settings.descriptors) out.descriptors = descriptor_style(*settings.descriptors);
  out.sampling = sampling_of(settings, model);
  set_geometry(settings, out);
  out.seed = settings.seed;
  out.samples = settings.samples;
  out.max_new_tokens = settings.max_new_tokens;
  return out;
}

BackendOptions backend_options_of(const RunSettings& settings, const std::string& device,
                                  const Model& model) {
  BackendOptions out;
  out.slots = settings.batch != 0 ? settings.batch : is_cpu(device) ? kCpuBatch : kCudaBatch;
  out.threads = settings.threads;
  out.device = is_cpu(device) ? 0 : device_index(device);
  if (settings.dtype != "float32" && settings.dtype != "bfloat16") {
    throw Error::format("dtype {}: not one of bfloat16, float32", in_quotes(settings.dtype));
  }
  out.compute = settings.dtype == "float32" ? DataType::kFloat32 : DataType::kBFloat16;
  if (settings.kv_dtype != "bf16" && settings.kv_dtype != "fp8") {
    throw Error::format("kv_dtype {}: not one of bf16, fp8", in_quotes(settings.kv_dtype));
  }
  out.fp8_cache = settings.kv_dtype == "fp8";
  if (out.fp8_cache && is_cpu(device)) {
    throw Error("kv_dtype fp8: only the CUDA backend keeps keys and values in fp8");
  }
  out.texts = model.texts;
  out.drafts = drafts_of(settings.speculate);
  out.merge_forced_runs = !settings.no_forced_runs;
  out.gather_output = !settings.full_output;
  out.audit = settings.audit;
  out.end_of_sequence = model.end_of_sequence;
  return out;
}

PromptOptions prompt_options_of(const GenerationOptions& generation, const Model& model) {
  PromptOptions out;
  out.geometry = generation.geometry;
  out.text_template.style = generation.prompt_style;
  out.text_template.descriptors = trained_descriptors(model);
  const bool position_rule =
      generation.rule != ConstraintRule::kExact && generation.rule != ConstraintRule::kNone;
  if (generation.descriptors && !position_rule)
    out.text_template.descriptors = *generation.descriptors;
  return out;
}

std::vector<std::string> resolve_devices(const RunSettings& settings) {
  const std::string& device = settings.device;
  if (device == "cpu") return {device};
  if (is_cpu(device)) return cpu_engines(settings);
  std::string why_not;
  const bool usable = cuda_available(&why_not);
  if (device == "auto") return {usable ? "cuda" : "cpu"};
  if (device != "cuda" && !device.starts_with("cuda:"))
    throw Error::format("device {}: {}", in_quotes(device), kDeviceForms);
  if (!usable) throw Error::format("device {}: {}", device, why_not);
  return device == "cuda" ? std::vector<std::string>{device} : cuda_devices(device);
}

MemoryPlan plan_memory(const std::string& device, const Model& model,
                       const BackendOptions& options) {
  return is_cpu(device) ? plan_cpu_memory(model.checkpoint->config(), options)
                        : plan_cuda_memory(model.checkpoint->config(), options);
}

std::string memory_plan_text(const MemoryPlan& plan) {
  constexpr double kMiB = 1024.0 * 1024.0;
  return fmt::format(
      "weights          {:10.1f} MiB\nkeys and values  {:10.1f} MiB ({} pages of {} tokens)\n"
      "scratch          {:10.1f} MiB\ntotal            {:10.1f} MiB for {} sequences at once\n",
      static_cast<double>(plan.weight_bytes) / kMiB,
      static_cast<double>(plan.page_bytes * plan.pages) / kMiB, plan.pages, kPageTokens,
      static_cast<double>(plan.scratch_bytes) / kMiB,
      static_cast<double>(plan.total_bytes()) / kMiB, plan.slots);
}

std::string batch_note(const MemoryPlan& plan, const BackendOptions& options) {
  if (plan.slots >= options.slots) return "";
  return fmt::format("the device has room for {} sequences at once, not {}; results do not change",
                     plan.slots, options.slots);
}

std::unique_ptr<Backend> make_backend(const std::string& device, const Model& model,
                                      const BackendOptions& options) {
  auto backend = is_cpu(device) ? make_cpu_backend(model.checkpoint, options)
                                : make_cuda_backend(model.checkpoint, options);
  model.checkpoint->require_unchanged_files();  // backends keep weights of their own
  return backend;
}

}  // namespace molgen3d
