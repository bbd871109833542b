#include "generation/sampling_presets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr int kTopPPresets = 16;
// Presets 5..8 repeat 1..4 in the study's table.
constexpr std::array<float, 4> kTemperatures = {1.0F, 1.0F, 1.2F, 1.4F};
constexpr std::array<float, 4> kTopP = {1.0F, 0.8F, 0.6F, 0.4F};
constexpr int kMinPPresets = 12;
constexpr std::array<float, 4> kMinPTemperatures = {1.4F, 1.2F, 1.0F, 0.8F};
constexpr std::array<float, 3> kMinP = {0.1F, 0.075F, 0.05F};

}  // namespace

SamplingParams sampling_preset(const std::string& name, const GenerationConfig& checkpoint) {
  SamplingParams params;
  if (name == "greedy") {
    params.greedy = true;
    return params;
  }
  if (name == "qwen3") return {.greedy = false, .temperature = 0.7F, .top_k = 20, .top_p = 0.8F};
  if (name == "top_p_low_temperature") {
    return {.greedy = false, .temperature = 0.8F, .top_k = 0, .top_p = 0.8F};
  }
  if (name == "checkpoint") {
    const auto temperature = static_cast<float>(checkpoint.temperature.value_or(1.0));
    params.greedy = temperature == 0 || !checkpoint.do_sample.value_or(true);
    params.temperature = temperature == 0 ? 1 : temperature;
    params.top_k = checkpoint.top_k.value_or(0);
    params.top_p = static_cast<float>(checkpoint.top_p.value_or(1.0));
    params.min_p = static_cast<float>(checkpoint.min_p.value_or(0.0));
    return params;
  }
  for (int i = 0; i < kTopPPresets; ++i) {
    if (name == fmt::format("top_p_sampling{}", i + 1)) {
      params.temperature = kTemperatures[static_cast<size_t>(i) / 4];
      params.top_p = kTopP[static_cast<size_t>(i) % 4];
      return params;
    }
  }
  for (int i = 0; i < kMinPPresets; ++i) {
    if (name == fmt::format("min_p_sampling{}", i + 1)) {
      params.temperature = kMinPTemperatures[static_cast<size_t>(i) / 3];
      params.min_p = kMinP[static_cast<size_t>(i) % 3];
      return params;
    }
  }
  throw Error::format("unknown sampling preset {}; known: {}", in_quotes(name),
                      fmt::join(sampling_preset_names(), ", "));
}

std::vector<std::string> sampling_preset_names() {
  std::vector<std::string> names = {"greedy", "checkpoint", "qwen3", "top_p_low_temperature"};
  for (int i = 0; i < kTopPPresets; ++i) names.push_back(fmt::format("top_p_sampling{}", i + 1));
  for (int i = 0; i < kMinPPresets; ++i) names.push_back(fmt::format("min_p_sampling{}", i + 1));
  return names;
}

std::string describe(const SamplingParams& params) {
  if (params.greedy) return "greedy";
  return fmt::format("T {:g}, top_k {}, top_p {:g}{}", params.temperature,
                     params.top_k > 0 ? fmt::format("{}", params.top_k) : "off", params.top_p,
                     params.min_p > 0 ? fmt::format(", min_p {:g}", params.min_p) : "");
}

}  // namespace molgen3d
