// One molecule with everything that its samples are judged by. Private to the room.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/seeded_hash.h"
#include "molecule/generated_set.h"
#include "quality/evaluation.h"
#include "quality/geometry_check.h"
#include "quality/rmsd.h"

namespace molgen3d {

/// The failure of a sample that is not the molecule it is compared with.
inline constexpr const char* kAnotherMolecule = "another molecule";

/// Canonical forms of the SMILES that files repeat sample after sample. Thread-safe.
class SmilesCache {
 public:
  struct Entry {
    std::string canonical, flat;  ///< empty when the text is no SMILES
    std::optional<Molecule> molecule;
    std::string error;  ///< why there is no molecule
  };
  std::shared_ptr<const Entry> find(const std::string& smiles);

 private:
  std::mutex mutex_;
  TextMap<std::shared_ptr<const Entry>> entries_;
};

struct ParsedSample {
  std::optional<Molecule> molecule;  ///< with coordinates
  std::string smiles, flat_smiles;   ///< canonical: what was asked for, else what the record is
  std::shared_ptr<const SmilesCache::Entry> asked;  ///< when the file says what was asked for
  std::string failure;
  std::string unreadable_smiles;  ///< why the SMILES that was asked for cannot be read
};

/// Never throws for what a file holds.
ParsedSample parse_sample(const GeneratedSample& sample, SmilesCache& cache);

class Subject {
 public:
  /// `smiles`: canonical, of `graph`.
  Subject(Molecule graph, std::string smiles, std::vector<Coordinates> references);

  /// Symmetry and bounds; once, before the rest is used.
  void prepare(const SymmetryOptions& options);

  const Molecule& graph() const { return graph_; }
  const std::vector<Coordinates>& references() const { return references_; }
  const RmsdKernel& kernel() const { return *kernel_; }
  size_t automorphisms() const { return automorphisms_; }
  bool capped() const { return capped_; }
  const std::string& no_bounds() const { return no_bounds_; }

  /// Fills `score` of a sample whose molecule this is; sets its failure when it is another one.
  void judge(const ParsedSample& sample, bool strain, SampleScore& score) const;
  /// The same for coordinates in the order of graph().
  void judge(Coordinates coordinates, bool strain, SampleScore& score) const;

 private:
  Molecule graph_;
  std::string smiles_;
  std::vector<Coordinates> references_;
  std::optional<Molecule> first_reference_;
  std::optional<RmsdKernel> kernel_;
  std::optional<GeometryChecker> checker_;
  SymmetryMaps plain_;  ///< of the graph as it is, few of them: for stereo
  size_t automorphisms_ = 0;
  bool capped_ = false;
  std::string no_bounds_;
};

}  // namespace molgen3d
