// Judges sets of generated conformers against reference ones: every sample once, every molecule
// once.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "molecule/generated_set.h"
#include "molecule/stereo.h"
#include "quality/coverage.h"
#include "quality/geometry_check.h"
#include "quality/reference_set.h"
#include "quality/symmetry_maps.h"

namespace molgen3d {

struct EvaluationOptions {
  SymmetryOptions symmetry;
  MatchBy match = MatchBy::kSmiles;
  /// Samples asked for per molecule: the first ones count, missing ones have failed. 0: as many as
  /// there are.
  size_t samples = 0;
  bool twice_references = false;  ///< `samples` is 2 K per molecule, K its reference conformers
  /// Distance (Angstrom) within which a conformer repeats an earlier one of the same molecule.
  double distinct = 0.125;
  bool strain = false;  ///< MMFF94 strain of every valid sample: about 0.1 s each
  std::function<void(size_t done, size_t total, const std::string& what)> progress{};
};

/// A molecule of the evaluation: of the references, or of a generated set only.
struct EvaluatedMolecule {
  std::string title, smiles;
  size_t references = 0;
  size_t automorphisms = 0;
  bool capped = false;    ///< symmetry was cut off at max_maps
  std::string no_bounds;  ///< why its geometry cannot be checked; empty when it can
};

/// One sample. Fields behind `failure` are set when it is empty.
struct SampleScore {
  static constexpr size_t kUnknown = std::numeric_limits<size_t>::max();
  size_t molecule = kUnknown;  ///< index into Evaluator::molecules()
  std::string failure;         ///< kind of failure; empty: a conformer of the right molecule
  Coordinates coordinates;     ///< in the atom order of the molecule's SMILES
  std::optional<GeometryMeasure> geometry;
  StereoVerdict stereo;
  std::optional<double> bond_error;  ///< mean over bonds, Angstrom
  bool bonds_within = false;         ///< no bond is off by more than kBondTolerance
  std::optional<double> strain;      ///< kcal/mol
  std::optional<RunFigures> run;

  bool valid() const { return failure.empty(); }
};

/// Samples for which there is nothing to compare with.
struct UnmatchedSamples {
  std::string source;  ///< of the first one
  std::string smiles, title;
  std::string cause;
  size_t count = 0;
};

struct RowScores {
  std::string label, path, settings, note;
  std::optional<double> seconds;
  size_t refused = 0;
  std::vector<SampleScore> samples;
  std::vector<std::vector<size_t>> samples_of;  ///< by molecule: indices into `samples`
  std::vector<MoleculeDistances> distances;     ///< by molecule
  std::vector<size_t> distinct;                 ///< by molecule: conformers that repeat no other
  size_t matched_without_stereo = 0;       ///< samples whose reference was found by the fallback
  size_t without_reference = 0;            ///< valid samples of molecules that have none
  size_t surplus = 0;                      ///< beyond `samples` per molecule: not looked at
  std::map<std::string, size_t> failures;  ///< by kind, missing ones among them
  /// Samples that match no reference, by molecule; empty without references.
  std::vector<UnmatchedSamples> unmatched;
  /// Lines for the user about samples whose SMILES cannot be read; they are failures too.
  std::vector<std::string> unreadable_smiles;
  /// Lines about stereo that is not judged and other parts of a SMILES that are left out.
  std::set<std::string> notes;
};

/// Results do not depend on the number of threads.
class Evaluator {
 public:
  Evaluator(ReferenceSet references, EvaluationOptions options, ThreadPool& pool);
  ~Evaluator();

  RowScores score(const GeneratedSet& set);
  /// The references judged like samples: what the geometry and stereo checks say of the truth. No
  /// distances.
  RowScores score_references();
  /// RDKit ETKDGv3, with MMFF94 or without, on every reference molecule: 2K conformers, or
  /// `options.samples`, or as many as `like` has of the molecule when given.
  GeneratedSet etkdg(bool mmff, uint64_t seed, const RowScores* like);

  const std::vector<EvaluatedMolecule>& molecules() const;
  size_t reference_molecules() const;  ///< these come first
  const ReferenceSet& references() const;
  const EvaluationOptions& options() const;
  /// Version of the RDKit that bounds, automorphisms and the baseline come from.
  static std::string rdkit_version();
  /// The molecule itself, as its SMILES says.
  const Molecule& graph(size_t molecule) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace molgen3d
