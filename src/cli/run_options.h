// The settings of a run as options: one declaration for every command that runs a model.
#pragma once

#include <string>

#include "generation/run_settings.h"

namespace CLI {
class App;
}

namespace molgen3d {

/// Raw values of the command line. Their words are checked where they are used (RunPlan).
struct RunOptions : RunSettings {
  std::string model;  ///< empty: the default
  std::string model_name() const { return model.empty() ? kDefaultModel : model; }
};

/// What a command calls otherwise, or has of its own.
struct RunOptionScope {
  bool study_names = false;  ///< the study's names too: --batch-size, --torch-dtype, ...
  bool rule = true;          ///< --constraint and --descriptors
  bool audit = true;         ///< --audit
};

/// --model.
void add_model_option(CLI::App& command, RunOptions& options, const RunOptionScope& scope = {});
/// -n, --samples.
void add_samples_option(CLI::App& command, RunOptions& options, const RunOptionScope& scope = {});
/// --device, --dtype, --kv-dtype, --batch, --threads.
void add_device_options(CLI::App& command, RunOptions& options, const RunOptionScope& scope = {});
/// --sampling, --temperature, --top-k, --top-p, --min-p, --seed, --constraint, --prompt,
/// --max-new-tokens, --geometry, ...
void add_sampling_options(CLI::App& command, RunOptions& options, const RunOptionScope& scope = {});

}  // namespace molgen3d
