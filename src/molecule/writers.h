// SDF and XYZ records of one conformer, as text.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "molecule/molecule.h"

namespace molgen3d {

/// Name and value, written in this order.
using PropertyList = std::vector<std::pair<std::string, std::string>>;

struct WriteOptions {
  bool add_hydrogens = false;  ///< placed by RDKit, after the heavy atoms
};

/// Mol block (V2000; V3000 above 999 atoms or bonds), properties and `$$$$`. Atoms in the
/// molecule's order; see to_input_order() for coordinates that come in text order. The title is the
/// molecule's. Stereo marks are those of the coordinates, so that the block agrees with itself. A
/// property HYDROGENS says whether hydrogens were written. Isotopes and atom map numbers of the
/// input are put back, those of D and T where hydrogens are written. Line breaks in title, names
/// and values become spaces. Throws Error when there are no coordinates, or one is not finite or
/// beyond 9999 A, or a hydrogen has no sound place.
std::string sdf_record(const Molecule& molecule, const PropertyList& properties,
                       const WriteOptions& options = {});

/// Atom count, one comment line (title, then `name=value` pairs, the total charge among them),
/// element and x y z in A. Errors as above.
std::string xyz_record(const Molecule& molecule, const PropertyList& properties,
                       const WriteOptions& options = {});

}  // namespace molgen3d
