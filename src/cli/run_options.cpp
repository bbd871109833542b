#include "cli/run_options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace molgen3d {

namespace {

/// `ours`, and before it what the study calls this, where the scope asks for that.
std::string named(const RunOptionScope& scope, const std::string& ours, const std::string& study) {
  return scope.study_names ? study + "," + ours : ours;
}

void add_law_options(CLI::App& command, RunOptions& options, const RunOptionScope& scope) {
  command
      .add_option(named(scope, "--sampling", "--sampling-config"), options.sampling,
                  "Preset: checkpoint (generation_config.json), greedy, qwen3, top_p_sampling1 ...")
      ->capture_default_str();
  command.add_option("--temperature", options.temperature, "Overrides the preset");
  command.add_option("--top-k", options.top_k, "Overrides the preset; 0: off");
  command.add_option("--top-p", options.top_p, "Overrides the preset; 1: off");
  command.add_option("--min-p", options.min_p, "Overrides the preset; 0: off");
}

void add_geometry_options(CLI::App& command, RunOptions& options) {
  command.add_option(
      "--geometry", options.geometry,
      fmt::format("What must hold in space: off, stereo (handedness, E/Z), full (bonds, angles, "
                  "clashes, flat groups too), posebusters (what it calls clashes too), or parts: "
                  "stereo+bonds+angles+clashes+planes; needs --constraint exact [default: {}]",
                  options.geometry.value_or("full there")));
  command
      .add_option("--on-failure", options.on_failure,
                  "Samples that stay outside within the budget: fail, or keep (written, marked)")
      ->capture_default_str();
  command
      .add_option("--geometry-budget", options.geometry_budget,
                  "Tokens that a sample may throw away, in longest possible answers")
      ->capture_default_str();
  command
      .add_option("--geometry-draws", options.geometry_draws,
                  "Free draws of a block that failed, before it is masked [default: 1]")
      ->check(CLI::Range(0U, 1000000U))
      ->group("Ablation");
}

}  // namespace

void add_model_option(CLI::App& command, RunOptions& options, const RunOptionScope& scope) {
  command
      .add_option(named(scope, "--model", "--model-path"), options.model,
                  "Checkpoint directory, or the name of a shipped one")
      ->default_str(kDefaultModel);
}

void add_samples_option(CLI::App& command, RunOptions& options, const RunOptionScope& scope) {
  command
      .add_option(named(scope, "-n,--samples", "--num-generations"), options.samples,
                  "Conformers per molecule")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000000U));
}

void add_device_options(CLI::App& command, RunOptions& options, const RunOptionScope& scope) {
  command
      .add_option("--device", options.device,
                  "auto, cpu, cuda, cuda:INDEX, several of a node: cuda:all, cuda:0,2; or cpu:N, N "
                  "engines that share the cores. Results do not depend on how many")
      ->capture_default_str();
  command
      .add_option(named(scope, "--dtype", "--torch-dtype"), options.dtype,
                  "Arithmetic: bfloat16, or float32 (CPU only)")
      ->capture_default_str();
  command
      .add_option("--kv-dtype", options.kv_dtype,
                  "Keys and values: bf16 (as --dtype), or fp8: faster in large batches, less exact "
                  "(GPU only)")
      ->capture_default_str();
  command
      .add_option(named(scope, "--batch", "--batch-size"), options.batch,
                  "Sequences at once; does not change results [default: 32 on a CPU, 256 on a GPU]")
      ->check(CLI::Range(1U, 65536U));
  command.add_option("--threads", options.threads,
                     "CPU threads; does not change results [default: all cores]");
  command
      .add_option(
          "--speculate", options.speculate,
          "Tokens drafted ahead of the model and verified in one pass: auto, off or at most "
          "1 to 8; does not change results")
      ->capture_default_str();
}

void add_sampling_options(CLI::App& command, RunOptions& options, const RunOptionScope& scope) {
  command.add_option("--seed", options.seed, "Seed of everything that is drawn")
      ->capture_default_str();
  add_law_options(command, options, scope);
  if (scope.rule) {
    command
        .add_option(named(scope, "--constraint", "--processor-type"), options.constraint,
                    "exact, none, or a rule of the study: generic, qwen, qwen-v4.0, allowlist")
        ->capture_default_str();
  }
  command
      .add_option("--prompt", options.prompt, "canonical, or as-given: keep the SMILES as typed")
      ->capture_default_str();
  if (scope.rule) {
    command.add_option("--descriptors", options.descriptors,
                       "Atom text: verbatim, hcount or study [default: as the checkpoint says, or "
                       "the rule]");
  }
  command.add_option("--max-new-tokens", options.max_new_tokens,
                     "Bound on generated tokens [default: what the molecule can need]");
  add_geometry_options(command, options);
  if (scope.audit) {
    command.add_flag("--audit", options.audit,
                     "Full output matrix for every token: raw log-probabilities and kept mass");
  }
  command.add_flag("--no-forced-runs", options.no_forced_runs, "One token per pass (ablation)")
      ->group("Ablation");
  command.add_flag("--full-output", options.full_output, "Whole output matrix (ablation)")
      ->group("Ablation");
}

}  // namespace molgen3d
