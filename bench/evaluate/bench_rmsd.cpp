// Time of the K x 2K distances of a reference file, and of RDKit's GetBestRMS on some of the pairs.
// usage: bench_rmsd REFERENCE.sdf [THREADS [PAIRS_PER_MOLECULE [ROUNDS]]]
#include <GraphMol/GraphMol.h>
#include <GraphMol/MolAlign/AlignMolecules.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>

#include "base/cpu_time.h"
#include "base/error.h"
#include "quality/conformer_distances.h"
#include "quality/reference_set.h"

namespace {

using namespace molgen3d;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Two noisy copies of every reference conformer: as many pairs as the benchmark's 2K rule asks for.
std::vector<Coordinates> noisy_copies(const std::vector<Coordinates>& conformers,
                                      std::mt19937_64& random) {
  std::normal_distribution<double> noise(0, 0.5);
  std::vector<Coordinates> out;
  for (int copy = 0; copy < 2; ++copy) {
    for (Coordinates c : conformers) {
      for (Point3& p : c) p = {p.x + noise(random), p.y + noise(random), p.z + noise(random)};
      out.push_back(std::move(c));
    }
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: bench_rmsd REFERENCE.sdf [THREADS [PAIRS_PER_MOLECULE [ROUNDS]]]\n");
    return 2;
  }
  const auto number = [&](int i, size_t fallback) {
    return argc > i ? static_cast<size_t>(std::stoul(argv[i])) : fallback;
  };
  ThreadPool pool(number(2, 0));
  const size_t sampled = number(3, 20);
  const size_t rounds = number(4, 3);
  auto begin = Clock::now();
  const ReferenceSet set = read_references(argv[1], pool);
  fmt::print("read: {} records, {} molecules, {:.2f} s\n", set.records, set.molecules.size(),
             seconds_since(begin));

  std::mt19937_64 random(1);
  std::vector<std::vector<Coordinates>> generated;
  for (const ReferenceMolecule& m : set.molecules)
    generated.push_back(noisy_copies(m.conformers, random));
  begin = Clock::now();
  std::vector<RmsdKernel> kernels;
  std::vector<std::vector<RDKit::MatchVectType>> matches;  // the same for RDKit
  size_t maps = 0;
  for (const ReferenceMolecule& m : set.molecules) {
    const SymmetryMaps symmetry = symmetry_maps(m.graph);
    kernels.emplace_back(symmetry);
    maps += symmetry.maps.size();
    auto& own = matches.emplace_back();
    for (const auto& map : symmetry.maps) {
      auto& match = own.emplace_back();
      for (size_t i = 0; i < map.size(); ++i) match.emplace_back(map[i], static_cast<int>(i));
    }
  }
  fmt::print("symmetry: {} maps, {:.3f} s\n", maps, seconds_since(begin));
  std::vector<DistanceJob> jobs;
  size_t pairs = 0;
  for (size_t m = 0; m < set.molecules.size(); ++m) {
    DistanceJob job{&kernels[m], {}, {}};
    for (const auto& c : set.molecules[m].conformers) job.references.push_back(&c);
    for (const auto& c : generated[m]) job.generated.push_back(&c);
    pairs += job.references.size() * job.generated.size();
    jobs.push_back(std::move(job));
  }
  double best = INFINITY;
  double cpu = INFINITY;
  for (size_t r = 0; r < rounds; ++r) {
    begin = Clock::now();
    const double cpu_begin = cpu_seconds();
    nearest_distances(jobs, pool);
    best = std::min(best, seconds_since(begin));
    cpu = std::min(cpu, cpu_seconds() - cpu_begin);
  }
  fmt::print(
      "K x 2K: {} pairs on {} threads, {:.2f} s wall, {:.2f} s CPU, {:.2f} us CPU per pair\n",
      pairs, pool.size(), best, cpu, 1e6 * cpu / static_cast<double>(pairs));

  // The same pairs by RDKit and by a kernel called pair by pair, one thread. A molecule stands for
  // all of its pairs.
  double rdkit_total = 0;
  double with_maps_total = 0;
  double worst = 0;
  size_t compared = 0;
  for (size_t m = 0; m < jobs.size(); ++m) {
    double rdkit = 0;
    double with_maps = 0;
    for (size_t p = 0; p < sampled; ++p) {
      const Coordinates& a = *jobs[m].references[random() % jobs[m].references.size()];
      const Coordinates& b = *jobs[m].generated[random() % jobs[m].generated.size()];
      RDKit::RWMol probe(set.molecules[m].graph.with_coordinates(b).rdkit());
      const RDKit::RWMol reference(set.molecules[m].graph.with_coordinates(a).rdkit());
      const double cpu_begin = cpu_seconds();
      const double expected = RDKit::MolAlign::getBestRMS(probe, reference);
      rdkit += cpu_seconds() - cpu_begin;
      const double maps_begin = cpu_seconds();
      RDKit::MolAlign::getBestRMS(probe, reference, -1, -1, matches[m]);
      with_maps += cpu_seconds() - maps_begin;
      worst = std::max(worst, std::abs(kernels[m](a, b) - expected));
      ++compared;
    }
    const double weight =
        static_cast<double>(jobs[m].references.size() * jobs[m].generated.size()) /
        static_cast<double>(sampled);
    rdkit_total += weight * rdkit;
    with_maps_total += weight * with_maps;
  }
  fmt::print("GetBestRMS: {} pairs timed, {:.1f} us CPU per pair, {:.0f} s CPU for all pairs\n",
             compared, 1e6 * rdkit_total / static_cast<double>(pairs), rdkit_total);
  fmt::print("the same, automorphisms given: {:.1f} us CPU per pair, {:.0f} s CPU for all pairs\n",
             1e6 * with_maps_total / static_cast<double>(pairs), with_maps_total);
  fmt::print("ratios {:.0f} and {:.0f}, largest difference {:.1e} A\n", rdkit_total / cpu,
             with_maps_total / cpu, worst);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_rmsd: %s\n", error.what());
  return 1;
}
