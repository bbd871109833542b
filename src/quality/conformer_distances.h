// Nearest distances of many molecules at once, spread evenly over threads.
#pragma once

#include <functional>
#include <vector>

#include "base/thread_pool.h"
#include "quality/coverage.h"
#include "quality/rmsd.h"

namespace molgen3d {

/// The conformers of one molecule, all in the atom order of `kernel`.
struct DistanceJob {
  const RmsdKernel* kernel = nullptr;
  std::vector<const Coordinates*> references, generated;
};

/// One result per job. `progress`: pairs done and in all; may be empty; one call at a time.
std::vector<MoleculeDistances> nearest_distances(
    const std::vector<DistanceJob>& jobs, ThreadPool& pool,
    const std::function<void(size_t done, size_t total)>& progress = {});

/// Per job: how many generated conformers are at least `limit` (Angstrom) from every earlier one
/// that was counted.
std::vector<size_t> count_distinct(const std::vector<DistanceJob>& jobs, double limit,
                                   ThreadPool& pool);

}  // namespace molgen3d
