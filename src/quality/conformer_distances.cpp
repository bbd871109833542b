#include "quality/conformer_distances.h"

#include <algorithm>
#include <limits>
#include <mutex>

namespace molgen3d {

namespace {

constexpr size_t kColumns = 64;  // generated conformers per task
constexpr double kFar = std::numeric_limits<double>::infinity();

using Conformers = std::vector<const Coordinates*>;

Conformers slice(const Conformers& all, size_t first, size_t count) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(std::min(count, all.size() - first))};
}

}  // namespace

std::vector<MoleculeDistances> nearest_distances(
    const std::vector<DistanceJob>& jobs, ThreadPool& pool,
    const std::function<void(size_t, size_t)>& progress) {
  struct Task {
    size_t job, first;
  };
  std::vector<Task> tasks;
  std::vector<MoleculeDistances> out(jobs.size());
  size_t pairs = 0;
  for (size_t j = 0; j < jobs.size(); ++j) {
    out[j].nearest_generated.assign(jobs[j].references.size(), kFar);
    out[j].nearest_reference.assign(jobs[j].generated.size(), kFar);
    if (jobs[j].references.empty()) continue;
    pairs += jobs[j].references.size() * jobs[j].generated.size();
    for (size_t c = 0; c < jobs[j].generated.size(); c += kColumns) tasks.push_back({j, c});
  }
  std::mutex mutex;
  size_t done = 0;
  pool.parallel_for(tasks.size(), 1, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) {
      const auto& [j, first] = tasks[t];
      const RmsdMatrix matrix =
          jobs[j].kernel->matrix(jobs[j].references, slice(jobs[j].generated, first, kColumns));
      std::vector<double> nearest(matrix.rows, kFar);
      for (size_t r = 0; r < matrix.rows; ++r) {
        for (size_t c = 0; c < matrix.columns; ++c) {
          const double d = matrix.at(r, c);
          nearest[r] = std::min(nearest[r], d);
          double& column = out[j].nearest_reference[first + c];
          column = std::min(column, d);
        }
      }
      const std::lock_guard lock(mutex);
      for (size_t r = 0; r < matrix.rows; ++r)
        out[j].nearest_generated[r] = std::min(out[j].nearest_generated[r], nearest[r]);
      done += matrix.rows * matrix.columns;
      if (progress) progress(done, pairs);
    }
  });
  return out;
}

std::vector<size_t> count_distinct(const std::vector<DistanceJob>& jobs, double limit,
                                   ThreadPool& pool) {
  std::vector<size_t> out(jobs.size(), 0);
  pool.parallel_for(jobs.size(), 1, [&](size_t begin, size_t end) {
    for (size_t j = begin; j < end; ++j) {
      Conformers kept;
      for (size_t first = 0; first < jobs[j].generated.size(); first += kColumns) {
        const Conformers next = slice(jobs[j].generated, first, kColumns);
        const RmsdMatrix to_kept = jobs[j].kernel->matrix(kept, next);
        const RmsdMatrix among = jobs[j].kernel->matrix(next, next);
        const size_t before = kept.size();
        std::vector<size_t> fresh;  // of this slice
        for (size_t c = 0; c < next.size(); ++c) {
          bool repeats = false;
          for (size_t r = 0; r < before && !repeats; ++r) repeats = to_kept.at(r, c) < limit;
          for (size_t k = 0; k < fresh.size() && !repeats; ++k)
            repeats = among.at(fresh[k], c) < limit;
          if (repeats) continue;
          fresh.push_back(c);
          kept.push_back(next[c]);
        }
      }
      out[j] = kept.size();
    }
  });
  return out;
}

}  // namespace molgen3d
