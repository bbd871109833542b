// The figures of one run, added up from its samples.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "study/block_statistics.h"
#include "study/run_report.h"

namespace molgen3d {

/// Why samples failed, under one name per kind.
struct FailureKind {
  size_t count = 0;
  std::vector<std::string> examples;  ///< prompt and what was written, shortened
};

struct RunSummary {
  const RunReport* run = nullptr;
  std::string label;
  size_t samples = 0, molecules = 0;
  size_t passed = 0, text_kept = 0, strict = 0, ended = 0;
  size_t exact_matches = 0;
  size_t stereo_asked = 0;  ///< decoded samples of molecules that specify stereo
  size_t stereo_right = 0;
  size_t prompt_tokens = 0, sampled_tokens = 0, forced_tokens = 0, passes = 0;
  size_t characters = 0;  ///< prompts and answers with tags, as the study counted
  size_t samples_with_junk = 0;
  BlockStatistics blocks;
  std::map<std::string, FailureKind> issues;         ///< the study's strings, details cut off
  std::map<std::string, FailureKind> answers;        ///< what is wrong with the whole answer
  std::map<std::string, FailureKind> strict_causes;  ///< passing samples that are not strict

  /// Descriptors with hydrogens that the prompt does not spell, and in how many samples.
  std::map<std::string, size_t> foreign_descriptors;
  size_t samples_with_foreign_descriptors = 0;

  size_t tokens() const { return sampled_tokens + forced_tokens; }
  double seconds() const { return run->times.total; }
};

/// `run` must outlive the summary.
RunSummary summarize(const RunReport& run);

/// The study's label of a run: model, rule, and descriptors when they are not the rule's own.
std::string run_label(const RunReport& run);

}  // namespace molgen3d
