// Options shared by every command that runs a model.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "generation/run_settings.h"

namespace molgen3d {

/// Raw values of the command line.
struct RunOptions : RunSettings {
  std::string model;
};

/// --model, --device, --dtype, --kv-dtype, --batch, --threads.
void add_device_options(CLI::App& command, RunOptions& options);
/// --sampling, --temperature, --top-k, --top-p, --min-p, --seed, --constraint, --prompt,
/// --max-new-tokens,
/// ...
void add_sampling_options(CLI::App& command, RunOptions& options);

}  // namespace molgen3d
