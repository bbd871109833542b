// Everything that the bytes of a data set depend on, but for its input.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dataset/splits.h"
#include "molecule/embedding.h"
#include "molecule/frame.h"
#include "molecule/make_template.h"
#include "text/number_format.h"

namespace molgen3d {

struct DatasetSettings {
  EmbedSettings embed;
  /// Take coordinates from the input instead: SDF records, or lines `SMILES<TAB>x y z x y z ...`
  /// with integers in 1e-4 A in the SMILES' atom order.
  bool given_coordinates = false;
  Frame frame = Frame::kPrincipal;
  NumberFormat numbers{.zeros = NumberFormat::Zeros::kStrip};
  DescriptorStyle descriptors = DescriptorStyle::kVerbatim;
  /// A molecule's conformers depend on this and its canonical SMILES, not on other molecules.
  uint64_t seed = 0;
  uint32_t min_atoms = 1;               ///< heavy atoms
  uint32_t max_atoms = kMaxAtoms;       ///< heavy atoms
  std::vector<std::string> elements{};  ///< symbols, hydrogen aside; empty: any
  /// Distance geometry lays the parts of a salt over each other.
  bool several_parts = false;
  bool keep_duplicates = false;
  bool exclude_scaffolds = false;
  Splits splits;
  std::chrono::milliseconds timeout{60000};  ///< wall time per molecule
  bool write_text = false;
  bool write_tsv = false;
  bool write_sdf = false;
};

/// Names and values, as dataset.json lists them and --resume compares them.
std::vector<std::pair<std::string, std::string>> described(const DatasetSettings& settings);

}  // namespace molgen3d
