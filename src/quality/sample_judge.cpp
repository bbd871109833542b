#include "quality/sample_judge.h"

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "molecule/bond_lengths.h"
#include "molecule/enriched.h"
#include "molecule/reader.h"
#include "quality/heavy_atoms.h"
#include "quality/strain.h"

namespace molgen3d {

namespace {

// Equal atoms may be named either way; beyond this many ways the best of the first ones counts.
constexpr size_t kStereoMaps = 256;

size_t wrong(const StereoVerdict& verdict) {
  return verdict.centres.total() - verdict.centres.matched + verdict.double_bonds.total() -
         verdict.double_bonds.matched;
}

StereoVerdict best_stereo(const Molecule& graph, const Coordinates& coordinates,
                          const SymmetryMaps& maps) {
  StereoVerdict best = judge_stereo(graph.with_coordinates(coordinates));
  for (const auto& map : maps.maps) {
    if (best.all_matched()) break;
    const StereoVerdict other =
        judge_stereo(graph.with_coordinates(reordered(coordinates, {map.begin(), map.end()})));
    if (wrong(other) < wrong(best)) best = other;
  }
  return best;
}

bool finite(const Coordinates& points) {
  for (const Point3& p : points) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y) || !std::isfinite(p.z)) return false;
  }
  return true;
}

Molecule molecule_of_sample(const GeneratedSample& sample, const SmilesCache::Entry* asked) {
  if (!sample.mol_block.empty()) {
    Molecule molecule = Molecule::from_mol_block(sample.mol_block);
    if (!molecule.has_coordinates()) throw Error("no coordinates");
    return molecule;
  }
  if (!sample.enriched.empty()) {
    DecodeResult decoded = decode_enriched(sample.enriched, DecodeLevel::kLenient);
    if (!decoded.molecule) throw Error("text cannot be decoded");
    return std::move(*decoded.molecule);
  }
  if (sample.coordinates.empty() || asked == nullptr || !asked->molecule)
    throw Error("no conformer");
  return asked->molecule->with_coordinates(sample.coordinates);
}

}  // namespace

std::shared_ptr<const SmilesCache::Entry> SmilesCache::find(const std::string& smiles) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(smiles);
    if (found != entries_.end()) return found->second;
  }
  auto entry = std::make_shared<Entry>();  // outside the lock: parsing takes its time
  try {
    entry->molecule = without_hydrogens(Molecule::from_smiles(smiles));
    entry->canonical = entry->molecule->canonical_smiles();
    entry->flat = entry->molecule->canonical_smiles(false);
  } catch (const Error& error) {
    *entry = {};
    entry->error = error.what();
  }
  const std::lock_guard lock(mutex_);
  return entries_.try_emplace(smiles, std::move(entry)).first->second;
}

ParsedSample parse_sample(const GeneratedSample& sample, SmilesCache& cache) {
  ParsedSample out;
  out.failure = sample.failure;
  if (!sample.smiles.empty()) {
    out.asked = cache.find(sample.smiles);
    if (!out.asked->molecule) {
      // Not judged as what the record happens to be: that would always be right.
      out.unreadable_smiles = out.asked->error;
      if (out.failure.empty()) out.failure = "SMILES cannot be read";
      out.asked = nullptr;
    } else {
      out.smiles = out.asked->canonical;
      out.flat_smiles = out.asked->flat;
    }
  }
  if (!out.failure.empty()) return out;
  try {
    out.molecule = without_hydrogens(molecule_of_sample(sample, out.asked.get()));
    if (!finite(out.molecule->coordinates())) {
      out.failure = "a coordinate is not finite";
    } else if (!out.asked) {
      out.smiles = out.molecule->canonical_smiles();
      out.flat_smiles = out.molecule->canonical_smiles(false);
      // What is written must be readable, for it becomes the molecule of this sample.
      if (!cache.find(out.smiles)->molecule) throw Error("SMILES cannot be written");
    }
  } catch (const Error&) {
    out.failure = sample.mol_block.empty() ? "text cannot be decoded" : "record cannot be read";
  }
  return out;
}

Subject::Subject(Molecule graph, std::string smiles, std::vector<Coordinates> references)
    : graph_(std::move(graph)), smiles_(std::move(smiles)), references_(std::move(references)) {
  if (!references_.empty()) first_reference_ = graph_.with_coordinates(references_.front());
}

void Subject::prepare(const SymmetryOptions& options) {
  const SymmetryMaps maps = symmetry_maps(graph_, options);
  automorphisms_ = maps.maps.size();
  capped_ = maps.capped;
  kernel_.emplace(maps);
  plain_ = symmetry_maps(graph_, {TerminalGroups::kDistinct, kStereoMaps});
  try {
    checker_.emplace(graph_);
  } catch (const Error& error) {
    no_bounds_ = error.what();
  }
}

void Subject::judge(const ParsedSample& sample, bool strain, SampleScore& score) const {
  const auto place = atom_map(graph_, *sample.molecule);
  if (!place) {
    score.failure = kAnotherMolecule;
    return;
  }
  const Coordinates given = sample.molecule->coordinates();
  judge(reordered(given, *place), strain, score);
  // Stereo is that of the SMILES that was asked for, which may not be the reference's.
  if (!sample.asked || sample.asked->canonical == smiles_) return;
  const Molecule& asked = *sample.asked->molecule;
  if (const auto to_asked = atom_map(asked, *sample.molecule)) {
    score.stereo = best_stereo(asked, reordered(given, *to_asked),
                               symmetry_maps(asked, {TerminalGroups::kDistinct, kStereoMaps}));
  }
}

void Subject::judge(Coordinates coordinates, bool strain, SampleScore& score) const {
  score.coordinates = std::move(coordinates);
  if (checker_) score.geometry = checker_->measure(score.coordinates);
  score.stereo = best_stereo(graph_, score.coordinates, plain_);
  const Molecule molecule = graph_.with_coordinates(score.coordinates);
  std::vector<size_t> identity(graph_.atom_count());
  std::iota(identity.begin(), identity.end(), size_t{0});
  const std::vector<BondLength> bonds = first_reference_
                                            ? bond_lengths(molecule, *first_reference_, identity)
                                            : bond_lengths(molecule);
  if (!bonds.empty()) {
    double sum = 0;
    score.bonds_within = true;
    for (const BondLength& bond : bonds) {
      sum += bond.error();
      score.bonds_within &= bond.error() <= kBondTolerance;
    }
    score.bond_error = sum / static_cast<double>(bonds.size());
  }
  if (strain) {
    try {
      score.strain = mmff_strain(molecule);
    } catch (const Error&) {
      score.strain = std::nullopt;  // shown as the share of samples with a strain
    }
  }
}

}  // namespace molgen3d
