// What a user says about a run, in words; run_settings.h says what they stand for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace molgen3d {

struct RunSettings {
  /// auto, cpu, cpu:ENGINES, cuda, cuda:INDEX, cuda:INDEX,INDEX,... or cuda:all
  std::string device = "auto";
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
  /// off, stereo, full or posebusters (see geometry::demand_of()); all but off need constraint
  /// exact. Nothing: full there, else off.
  std::optional<std::string> geometry;
  std::string on_failure = "fail";  ///< or keep: samples outside the hard set are written, marked
  double geometry_budget = 8;       ///< tokens a sample may throw away, in answers
  std::optional<uint32_t> geometry_draws;  ///< free draws of a block before it is masked [1]
  uint64_t seed = 0;
  uint32_t samples = 1;         ///< per molecule, at least 1
  uint32_t max_new_tokens = 0;  ///< 0: what the molecule can need
  bool audit = false;
  /// auto, off, or most drafts of a sequence and pass (engine/draft_law.h); changes no answer
  std::string speculate = "auto";
  bool no_forced_runs = false;
  bool full_output = false;
};

}  // namespace molgen3d
