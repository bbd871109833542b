// Conformers by RDKit: distance geometry with experimental torsion preferences, then a force field.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "molecule/molecule.h"

namespace molgen3d {

enum class ForceFieldKind : uint8_t { kNone, kMmff94, kMmff94s, kUff };
/// "none", "mmff94", "mmff94s", "uff"; throws Error for another name.
ForceFieldKind force_field_of_name(const std::string& name);
const char* force_field_name(ForceFieldKind kind);

/// What to do with a molecule for which the force field has no parameters.
enum class MissingParameters : uint8_t {
  kUff,   ///< relax it with UFF instead
  kKeep,  ///< leave the conformers as embedded
  kFail,
};
/// "uff", "keep", "fail"; throws Error for another name.
MissingParameters missing_parameters_of_name(const std::string& name);

struct EmbedSettings {
  /// Conformers per molecule, 1..kMaxConformers. Conformer i is the same whatever the count.
  uint32_t conformers = 1;
  /// Attempts per conformer; 0: ten times the number of atoms, RDKit's own default.
  uint32_t max_attempts = 0;
  /// Where no attempt succeeds, try again from random coordinates (for cages and large rings).
  bool retry_from_random = true;
  /// Drop conformers whose heavy-atom RMSD to an earlier one is below this many Angstrom, before
  /// relaxation; 0: keep all.
  double prune_rmsd = 0;
  ForceFieldKind force_field = ForceFieldKind::kMmff94;
  /// Steps of the minimiser per conformer. Conformers that need more are kept and counted.
  uint32_t max_steps = 1000;
  MissingParameters missing = MissingParameters::kUff;
};
inline constexpr uint32_t kMaxConformers = 2000;

enum class EmbedFailure : uint8_t {
  kNone,
  kNoEmbedding,   ///< distance geometry found no coordinates
  kNoParameters,  ///< MissingParameters::kFail, or UFF has none either
  kWrongStereo,   ///< no conformer has the stereochemistry of the SMILES
  kNotFinite,     ///< a coordinate is NaN or infinite
};

struct Embedding {
  EmbedFailure failure = EmbedFailure::kNone;
  std::string cause;  ///< one line; empty when there are conformers
  /// In the molecule's atom order, without the hydrogens that were added, Angstrom, RDKit's frame.
  std::vector<Coordinates> conformers;
  std::vector<double> energies;  ///< kcal/mol with all hydrogens; NaN where nothing was relaxed
  ForceFieldKind force_field = ForceFieldKind::kNone;  ///< the one that was used
  uint32_t unconverged = 0;  ///< conformers that were still moving after max_steps
  uint32_t wrong_stereo =
      0;  ///< conformers dropped because their stereochemistry was not asked for
};

/// ETKDGv3 (S. Wang et al., J. Chem. Inf. Model. 60, 2044 (2020)), then the force field
/// (MMFF94: T. A. Halgren, J. Comput. Chem. 17, 490 (1996)). Hydrogens are added and dropped again.
/// Every conformer's stereochemistry is compared with the SMILES; unspecified centres come out
/// either way. Depends on molecule (with its atom order), settings and seed only. May take for
/// ever: call it where it can be killed.
Embedding embed_conformers(const Molecule& molecule, const EmbedSettings& settings, uint64_t seed);

}  // namespace molgen3d
