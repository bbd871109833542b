// One smoke run: generate, then judge every answer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "generation/generator.h"
#include "study/run_report.h"

namespace molgen3d {

/// `size` of `count` indices, drawn without replacement by `seed`, in the order drawn. The whole
/// set in its own order when size == count. Throws Error when size > count.
std::vector<size_t> draw_sample(size_t count, size_t size, uint64_t seed);

struct SmokeJob {
  std::shared_ptr<const Model> model;
  std::vector<Prompt> prompts;  ///< refused ones too
  GenerationOptions generation;
  size_t threads = 0;    ///< for the checks; 0: all cores
  bool warm_up = true;   ///< generate one small molecule before the clock starts
  RunMetadata metadata;  ///< what only the caller knows; the rest is filled in
  // All optional:
  std::function<void(size_t samples_done)> progress;
  std::function<void(const Sample&)> finished;
  std::function<void(const Sample&)> deliver;  ///< after the clock has stopped, in order
  std::function<std::optional<Completion>(const Prompt&, uint32_t)> restore;
  std::function<bool()> stop;
};

/// Nothing when stopped before the end.
std::optional<RunReport> run_smoke(const SmokeJob& job, std::unique_ptr<Backend> backend);

}  // namespace molgen3d
