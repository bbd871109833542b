// One conformer as the lines and records of the files that a data set consists of.
#pragma once

#include <vector>

#include "dataset/dataset_file.h"
#include "dataset/settings.h"
#include "dataset/tasks.h"
#include "molecule/molecule.h"
#include "text/template.h"

namespace molgen3d {

/// Appends conformer number `conformer` of `out` to each text of `product` that the settings ask
/// for. `units`: coordinates in 1e-4 A, text order. Throws Error when a number cannot be written.
void write_conformer(const DatasetSettings& settings, const Molecule& molecule,
                     const Template& text_template, const DatasetRecord& out, size_t conformer,
                     const std::vector<int32_t>& units, Product& product);

}  // namespace molgen3d
