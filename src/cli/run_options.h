// Options shared by every command that runs a model, and what they build.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/backend.h"
#include "generation/generator.h"
#include "generation/model.h"

namespace molgen3d {

/// Raw values of the command line.
struct RunOptions {
  std::string model;
  std::string device = "auto";
  std::string dtype = "bfloat16";
  uint32_t batch = 0;  ///< 0: chosen for the device
  size_t threads = 0;
  std::string sampling = "checkpoint";
  std::optional<float> temperature, top_p;
  std::optional<int> top_k;
  std::string constraint = "exact";
  std::string prompt = "canonical";
  std::optional<std::string> descriptors;
  uint64_t seed = 0;
  uint32_t samples = 1;
  uint32_t max_new_tokens = 0;
  bool audit = false;
  bool no_forced_runs = false;
  bool full_output = false;
};

/// --model, --device, --dtype, --batch, --threads.
void add_device_options(CLI::App& command, RunOptions& options);
/// --sampling, --temperature, --top-k, --top-p, --seed, --constraint, --prompt, --max-new-tokens,
/// ...
void add_sampling_options(CLI::App& command, RunOptions& options);

/// Sampling settings with overrides applied; throws Error for values outside their ranges.
SamplingParams sampling_of(const RunOptions& options, const Model& model);
GenerationOptions generation_options_of(const RunOptions& options, const Model& model);
BackendOptions backend_options_of(const RunOptions& options, const std::string& device,
                                  const Model& model);

/// "cpu", "cuda" or "cuda:1" with `auto` resolved; `note` gets a line when auto had to fall back.
/// An audit needs the CPU backend, so `auto` means that one.
std::string resolve_device(const RunOptions& options, std::string* note);
MemoryPlan plan_memory(const std::string& device, const Model& model,
                       const BackendOptions& options);
/// Checks the weights (NaN, infinities) and builds the backend.
std::unique_ptr<Backend> make_backend(const std::string& device, const Model& model,
                                      const BackendOptions& options);

}  // namespace molgen3d
