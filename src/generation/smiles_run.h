// A run over SMILES held in memory: behind generate() of C++ and of Python.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "generation/generator.h"
#include "generation/settings.h"

namespace molgen3d {

struct SmilesRun {
  /// Every sample in input order; a SMILES that cannot be used gives failed ones.
  std::function<void(const Sample& sample, uint64_t seed)> deliver;
  /// Asked now and then: true ends the run.
  std::function<bool(size_t done, size_t total)> stop;
};

/// True when all samples were delivered, false when stopped. Throws Error when a setting cannot be
/// used.
bool run_smiles(const std::shared_ptr<const Model>& model, const std::vector<std::string>& smiles,
                const RunSettings& settings, const SmilesRun& run);

}  // namespace molgen3d
