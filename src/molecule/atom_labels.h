// Isotopes and atom map numbers: labels of the input that say nothing about its structure. Private
// to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "molecule/molecule.h"
#include "text/smiles_scan.h"

namespace RDKit {
class Atom;
class ROMol;
class RWMol;
}  // namespace RDKit

namespace molgen3d {

/// True when an atom has an isotope or a map number.
bool has_labels(const RDKit::ROMol& mol);

/// Labels that set_labels_aside() took, and those of removed hydrogens.
AtomLabel label_of(const RDKit::Atom& atom);
std::vector<AtomLabel> hydrogen_labels_of(const RDKit::Atom& atom);

/// Moves isotopes and map numbers into properties that travel with the atoms and that RDKit does
/// not look at, so that canonical text and keys are those of the unlabelled molecule. Those of
/// hydrogens are noted at their heavy neighbour too: D and T are hydrogens, which the caller
/// removes.
void set_labels_aside(RDKit::RWMol& mol);

/// Forgets the noted labels of hydrogens that are still atoms. Call once hydrogens are removed.
void settle_hydrogen_labels(RDKit::RWMol& mol);

/// Puts the labels back. Those of removed hydrogens go to the hydrogens that the atom has got since
/// (the first ones); they stay away when it has none.
void restore_labels(RDKit::RWMol& mol);

/// `text` without the labels: `[13CH3:2]` -> `C` where that means the same, `[2H]` -> `[H]`.
/// `scan` is that of `text`. `unwrap` drops brackets that nothing needs any longer.
std::string without_labels(std::string_view text, const SmilesScan& scan, bool unwrap);

/// True when a bracket atom of `text` holds an isotope or a map number.
bool has_labels(std::string_view text, const SmilesScan& scan);

}  // namespace molgen3d
