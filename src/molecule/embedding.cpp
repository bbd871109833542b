#include "molecule/embedding.h"

#include <ForceField/ForceField.h>
#include <GraphMol/DistGeomHelpers/Embedder.h>
#include <GraphMol/ForceFieldHelpers/MMFF/AtomTyper.h>
#include <GraphMol/ForceFieldHelpers/MMFF/Builder.h>
#include <GraphMol/ForceFieldHelpers/UFF/AtomTyper.h>
#include <GraphMol/ForceFieldHelpers/UFF/Builder.h>
#include <GraphMol/MolOps.h>

#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "base/error.h"
#include "molecule/rdkit_guard.h"
#include "molecule/stereo.h"

namespace molgen3d {

namespace {

constexpr std::array<const char*, 4> kForceFields = {"none", "mmff94", "mmff94s", "uff"};
/// RDKit multiplies its seed with the conformer's number in 32 bits.
constexpr uint64_t kSeeds = 1000000;
static_assert(kSeeds * kMaxConformers < std::numeric_limits<int>::max());
/// Distance beyond which non-bonded terms are left out, in A (MMFF) and in units of the sum of
/// radii (UFF): RDKit's defaults.
constexpr double kNonBonded = 100.0;
constexpr double kUffNonBonded = 10.0;

std::vector<int> embed(RDKit::RWMol& mol, const EmbedSettings& settings, uint64_t seed) {
  RDKit::DGeomHelpers::EmbedParameters parameters = RDKit::DGeomHelpers::ETKDGv3;
  parameters.randomSeed = static_cast<int>(1 + seed % kSeeds);
  parameters.maxIterations = settings.max_attempts;
  parameters.pruneRmsThresh = settings.prune_rmsd > 0 ? settings.prune_rmsd : -1;
  parameters.onlyHeavyAtomsForRMS = true;
  parameters.numThreads = 1;
  std::vector<int> ids;
  RDKit::DGeomHelpers::EmbedMultipleConfs(mol, ids, settings.conformers, parameters);
  if (ids.empty() && settings.retry_from_random) {
    parameters.useRandomCoords = true;
    RDKit::DGeomHelpers::EmbedMultipleConfs(mol, ids, settings.conformers, parameters);
  }
  return ids;
}

/// Parameters of one molecule; makes the force field of a conformer.
class ForceFieldFactory {
 public:
  ForceFieldFactory(RDKit::RWMol& mol, const EmbedSettings& settings) : mol_(mol) {
    ForceFieldKind wanted = settings.force_field;
    if (wanted == ForceFieldKind::kMmff94 || wanted == ForceFieldKind::kMmff94s) {
      mmff_ = std::make_unique<RDKit::MMFF::MMFFMolProperties>(
          mol, wanted == ForceFieldKind::kMmff94 ? "MMFF94" : "MMFF94s");
      if (!mmff_->isValid()) wanted = otherwise(settings);
    }
    if (wanted == ForceFieldKind::kUff) {
      uff_ = RDKit::UFF::getAtomTypes(mol);
      if (!uff_.second) {
        wanted = settings.missing == MissingParameters::kKeep ? ForceFieldKind::kNone : wanted;
        missing_ = settings.missing != MissingParameters::kKeep;
      }
    }
    kind_ = wanted;
  }

  ForceFieldKind kind() const { return kind_; }
  bool missing() const { return missing_; }

  std::unique_ptr<ForceFields::ForceField> make(int conformer) {
    std::unique_ptr<ForceFields::ForceField> field(
        kind_ == ForceFieldKind::kUff
            ? RDKit::UFF::constructForceField(mol_, uff_.first, kUffNonBonded, conformer)
            : RDKit::MMFF::constructForceField(mol_, mmff_.get(), kNonBonded, conformer));
    field->initialize();
    return field;
  }

 private:
  ForceFieldKind otherwise(const EmbedSettings& settings) {
    switch (settings.missing) {
      case MissingParameters::kUff:
        return ForceFieldKind::kUff;
      case MissingParameters::kKeep:
        return ForceFieldKind::kNone;
      case MissingParameters::kFail:
        missing_ = true;
    }
    return settings.force_field;
  }

  RDKit::RWMol& mol_;
  ForceFieldKind kind_ = ForceFieldKind::kNone;
  bool missing_ = false;
  std::unique_ptr<RDKit::MMFF::MMFFMolProperties> mmff_;
  std::pair<RDKit::UFF::AtomicParamVect, bool> uff_;
};

Embedding failed(EmbedFailure failure, std::string cause) {
  Embedding out;
  out.failure = failure;
  out.cause = std::move(cause);
  return out;
}

Coordinates heavy_part(const RDKit::Conformer& conformer, size_t atoms) {
  Coordinates out;
  out.reserve(atoms);
  for (unsigned i = 0; i < atoms; ++i) {
    const RDGeom::Point3D& p = conformer.getAtomPos(i);
    out.push_back({p.x, p.y, p.z});
  }
  return out;
}

bool all_finite(const Coordinates& coordinates) {
  for (const Point3& p : coordinates) {
    if (!std::isfinite(p.x + p.y + p.z)) return false;
  }
  return true;
}

/// Everything that may throw RDKit's exceptions.
Embedding run(const Molecule& molecule, const EmbedSettings& settings, uint64_t seed) {
  RDKit::RWMol mol(molecule.rdkit());
  mol.clearConformers();
  RDKit::MolOps::addHs(mol);
  std::vector<int> ids = embed(mol, settings, seed);
  if (ids.empty()) {
    return failed(EmbedFailure::kNoEmbedding, "distance geometry found no coordinates");
  }
  Embedding out;
  std::unique_ptr<ForceFieldFactory> factory;
  if (settings.force_field != ForceFieldKind::kNone) {
    factory = std::make_unique<ForceFieldFactory>(mol, settings);
    if (factory->missing()) {
      return failed(EmbedFailure::kNoParameters,
                    fmt::format("no {} parameters", force_field_name(settings.force_field)));
    }
    out.force_field = factory->kind();
  }
  size_t not_finite = 0;
  for (const int id : ids) {
    double energy = std::numeric_limits<double>::quiet_NaN();
    bool converged = true;
    if (out.force_field != ForceFieldKind::kNone) {
      const auto field = factory->make(id);
      converged = field->minimize(settings.max_steps) == 0;
      energy = field->calcEnergy();
    }
    Coordinates coordinates = heavy_part(mol.getConformer(id), molecule.atom_count());
    if (!all_finite(coordinates)) {
      ++not_finite;
    } else if (!judge_stereo(molecule.with_coordinates(coordinates)).all_matched()) {
      ++out.wrong_stereo;
    } else {
      out.unconverged += converged ? 0 : 1;
      out.energies.push_back(energy);
      out.conformers.push_back(std::move(coordinates));
    }
  }
  if (!out.conformers.empty()) return out;
  if (not_finite > 0) return failed(EmbedFailure::kNotFinite, "a coordinate is not a number");
  return failed(
      EmbedFailure::kWrongStereo,
      fmt::format("none of {} conformers has the stereochemistry of the SMILES", out.wrong_stereo));
}

}  // namespace

ForceFieldKind force_field_of_name(const std::string& name) {
  for (size_t i = 0; i < kForceFields.size(); ++i) {
    if (name == kForceFields[i]) return static_cast<ForceFieldKind>(i);
  }
  throw Error::format("force field {}: not one of mmff94, mmff94s, uff, none", in_quotes(name));
}

const char* force_field_name(ForceFieldKind kind) {
  return kForceFields[static_cast<size_t>(kind)];
}

MissingParameters missing_parameters_of_name(const std::string& name) {
  if (name == "uff") return MissingParameters::kUff;
  if (name == "keep") return MissingParameters::kKeep;
  if (name == "fail") return MissingParameters::kFail;
  throw Error::format("{}: not one of uff, keep, fail", in_quotes(name));
}

Embedding embed_conformers(const Molecule& molecule, const EmbedSettings& settings, uint64_t seed) {
  if (settings.conformers < 1 || settings.conformers > kMaxConformers) {
    throw Error::format("{} conformers: not 1 to {}", settings.conformers, kMaxConformers);
  }
  Embedding out;
  const std::string cause = rdkit_cause([&] { out = run(molecule, settings, seed); });
  if (!cause.empty()) return failed(EmbedFailure::kNoEmbedding, cause);
  return out;
}

}  // namespace molgen3d
