// What a user says about a run, in words, and what the words stand for. The program's options and
// the arguments of the Python package both end here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/backend.h"
#include "generation/generator.h"
#include "generation/model.h"
#include "generation/prompt_stream.h"

namespace molgen3d {

struct RunSettings {
  std::string device = "auto";          ///< auto, cpu, cuda or cuda:INDEX
  std::string dtype = "bfloat16";       ///< arithmetic: bfloat16, or float32 (CPU only)
  std::string kv_dtype = "bf16";        ///< keys and values: bf16 (as dtype), or fp8 (CUDA only)
  uint32_t batch = 0;                   ///< sequences at once; 0: chosen for the device
  size_t threads = 0;                   ///< 0: all cores
  std::string sampling = "checkpoint";  ///< see sampling_preset()
  /// Override the preset; temperature 0: greedy, top_p 1 and min_p 0: off.
  std::optional<float> temperature, top_p, min_p;
  std::optional<int> top_k;
  std::string constraint = "exact";        ///< see constraint_rule()
  std::string prompt = "canonical";        ///< or as-given
  std::optional<std::string> descriptors;  ///< see descriptor_style(); nothing: as the model says
  /// off, stereo or full; the last two need constraint exact. Nothing: full there, else off.
  std::optional<std::string> geometry;
  std::string on_failure = "fail";  ///< or keep: samples outside the hard set are written, marked
  double geometry_budget = 8;       ///< tokens a sample may throw away, in answers
  uint64_t seed = 0;
  uint32_t samples = 1;         ///< per molecule, at least 1
  uint32_t max_new_tokens = 0;  ///< 0: what the molecule can need
  bool audit = false;
  bool no_forced_runs = false;
  bool full_output = false;
};

/// All of these throw Error naming the setting and its value when it cannot be used.
SamplingParams sampling_of(const RunSettings& settings, const Model& model);
/// One line when the run samples as generation_config.json says and that asks for more than is
/// applied, else empty.
std::string sampling_note(const RunSettings& settings, const Model& model);
GenerationOptions generation_options_of(const RunSettings& settings, const Model& model);
/// `device` from resolve_device().
BackendOptions backend_options_of(const RunSettings& settings, const std::string& device,
                                  const Model& model);
/// How the prompts of a run are written: the prompt and the strict check follow the checkpoint, or
/// the descriptors that were asked for; the study's position rules bring their own. With the hard
/// set of the geometry level.
PromptOptions prompt_options_of(const GenerationOptions& generation, const Model& model);

/// "cpu", "cuda" or "cuda:1" with `auto` resolved; `note` (may be null) gets a line when auto had
/// to fall back.
std::string resolve_device(const RunSettings& settings, std::string* note);
MemoryPlan plan_memory(const std::string& device, const Model& model,
                       const BackendOptions& options);
/// Four lines: weights, keys and values, scratch, total, in MiB.
std::string memory_plan_text(const MemoryPlan& plan);
/// One line when the plan has room for fewer sequences than asked for, else empty.
std::string batch_note(const MemoryPlan& plan, const BackendOptions& options);
/// Checks the weights (NaN, infinities, files that change meanwhile) and builds the backend.
std::unique_ptr<Backend> make_backend(const std::string& device, const Model& model,
                                      const BackendOptions& options);

}  // namespace molgen3d
