// SMILES in, conformers out, in one call: what a program that links molgen3d starts with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "generation/settings.h"
#include "molecule/molecule.h"

namespace molgen3d {

struct Model;

/// A checkpoint directory, or the name of a shipped checkpoint, ready to generate; shared by any
/// number of calls. Throws Error naming the file and the cause.
std::shared_ptr<const Model> open_model(const std::string& name);

/// One sample of one molecule.
struct GeneratedConformer {
  size_t molecule = 0;  ///< index of its SMILES among those given
  uint32_t sample = 0;  ///< 0 ... settings.samples - 1
  bool ok = false;
  std::string cause;                  ///< why not ok, one line
  std::string smiles;                 ///< as given
  std::string enriched;               ///< the answer between its tags, when both are there
  std::vector<std::string> elements;  ///< heavy atoms in the order of `smiles`; when ok
  Coordinates coordinates;            ///< Angstrom, the same atoms; when ok
  std::string stereo;                 ///< "ok", "none specified", "mirror image", ...; when ok
  double log_probability = 0;         ///< of the answer under the law that was sampled from, nats
  std::string sdf;                    ///< the record of an SD file, line break at its end; when ok
};

/// Called now and then from the thread that generates: samples done and samples in all. False stops
/// the run; samples that were not finished are then left out.
using GenerationProgress = std::function<bool(size_t done, size_t total)>;

/// `settings.samples` conformers of each SMILES, in the order given; a SMILES that cannot be used
/// gives conformers that are not ok. What is generated depends on the model, the SMILES and the
/// settings, never on batch or threads. Throws Error when a setting cannot be used.
std::vector<GeneratedConformer> generate(const std::shared_ptr<const Model>& model,
                                         const std::vector<std::string>& smiles,
                                         const RunSettings& settings,
                                         const GenerationProgress& progress = nullptr);

}  // namespace molgen3d
