// One smoke run: generate, then judge every answer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "generation/run.h"
#include "study/run_report.h"

namespace molgen3d {

/// `size` of `count` indices, drawn without replacement by `seed`, in the order drawn. The whole
/// set in its own order when size == count. Throws Error when size > count.
std::vector<size_t> draw_sample(size_t count, size_t size, uint64_t seed);

struct SmokeJob {
  explicit SmokeJob(RunPlan what) : plan(std::move(what)) {}

  RunPlan plan;                 ///< its source are the prompts below
  std::vector<Prompt> prompts;  ///< refused ones too
  bool warm_up = true;          ///< generate one small molecule before the clock starts
  RunMetadata metadata;         ///< what only the caller knows; the rest is filled in
  // All optional:
  std::function<void(const Run&)> begin;       ///< when nothing can keep the run from starting
  std::function<void(const Sample&)> deliver;  ///< after the clock has stopped, in order
  /// Puts the report where it is safe, before the journal goes. False: stopped.
  std::function<bool(RunReport&)> publish;
};

/// Nothing when stopped before the end.
std::optional<RunReport> run_smoke(SmokeJob job, const RunControl& control = {});

}  // namespace molgen3d
