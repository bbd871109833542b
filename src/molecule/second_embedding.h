// Places for the molecules that the projection of src/geometry does not embed.
#pragma once

#include <vector>

#include "geometry/hard_set.h"
#include "geometry/position.h"
#include "molecule/molecule.h"
#include "text/template.h"

namespace molgen3d {

/// Places in text order that satisfy `tables`, from a few conformers of RDKit's ETKDGv3 and MMFF94;
/// none when no conformer does. The same for the same molecule; about a second for a hundred atoms.
std::vector<geometry::Position> second_embedding(const Molecule& molecule,
                                                 const Template& text_template,
                                                 const geometry::HardSetTables& tables);

}  // namespace molgen3d
