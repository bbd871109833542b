// What `smoke` and `study` share: which molecules, which settings, where the files go.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/smoke_run.h"
#include "cli/run_options.h"

namespace molgen3d {

struct SmokeOptions {
  RunOptions run;
  std::string dataset;  ///< a file that PromptStream can read; empty: the built-in molecules
  std::string smiles_column;
  size_t sample_size = 64;  ///< 0: all
  uint32_t samples = 1;
  std::string tokenizer;  ///< directory, tokenizer.json or shipped name; empty: the model's
  std::string model_alias, model_step;
  bool resume = false;
  bool overwrite = false;
  bool quiet = false;
  bool warm_up = true;
};

/// --dataset, --smiles-column, --sample-size, --num-generations, --batch-size, --sampling-config,
/// --temperature, --top-k, --top-p, --max-new-tokens, --seed, --device, --torch-dtype, --threads.
void add_smoke_options(CLI::App& command, SmokeOptions& options);

/// What reports call the data set.
std::string dataset_name(const SmokeOptions& options);

/// The chosen records as prompts, in the order drawn; refused ones among them. Throws Error when
/// the data set cannot be read or is too small.
std::vector<Prompt> smoke_prompts(const SmokeOptions& options, const PromptOptions& prompt_options);

/// The model with another tokenizer. Throws Error when it does not fit.
std::shared_ptr<const Model> with_tokenizer(const std::shared_ptr<const Model>& model,
                                            const std::string& tokenizer);

/// One run with progress on standard error; `journal` (empty: none) makes it resumable; remove
/// that file once the report is safe. Nothing when interrupted.
std::optional<RunReport> smoke(const SmokeOptions& options,
                               const std::shared_ptr<const Model>& model,
                               std::vector<Prompt> prompts, const std::string& label,
                               const std::filesystem::path& journal, SpanSink* spans = nullptr,
                               const std::function<void(const Sample&)>& deliver = {});

}  // namespace molgen3d
