// Stereo that a SMILES spells and RDKit's molecule does not have. Private to the room.
#pragma once

#include <string>
#include <vector>

#include "text/smiles_scan.h"

namespace RDKit {
class ROMol;
}

namespace molgen3d {

/// False: every stereo mark of the text `scan` belongs to has become a stereo element of `mol`.
/// Cheap; true may be a false alarm.
bool may_have_lost_stereo(std::string_view text, const SmilesScan& scan, const RDKit::ROMol& mol);

/// Numbers the atoms as the text has them, for lost_stereo(). `raw`: as parsed, nothing removed.
void number_typed_atoms(RDKit::ROMol& raw);

/// The stereo elements of `raw` that are none in `mol`, which was made from a numbered copy of it:
/// `allene at atom 3`, `cumulene of atoms 2 to 5`, `double bond of atoms 2 and 3`, `centre at atom
/// 4`. RDKit drops what it does not perceive (allenes, alkylidene rings) and what is no stereo
/// element at all.
std::vector<std::string> lost_stereo(const RDKit::ROMol& raw, const RDKit::ROMol& mol);

}  // namespace molgen3d
