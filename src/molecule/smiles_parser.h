// From SMILES text to RDKit's molecule, with what the text says beside structure. Private to the
// room.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace RDKit {
class RWMol;
}

namespace molgen3d {

struct ParsedSmiles {
  std::shared_ptr<RDKit::RWMol> mol;  ///< labels set aside, removable hydrogens removed
  /// The text that spells `mol`, without labels and extension; empty when no such text does
  /// (radicals of an extension).
  std::string typed;
  std::string title;                     ///< after an extension
  std::vector<std::string> notes;        ///< what is left out, one line each
  std::vector<std::string> lost_stereo;  ///< lost_stereo()
};

/// Reads `SMILES` or `SMILES |extension| title`. Throws Error as Molecule::from_smiles().
ParsedSmiles parse_smiles(std::string_view text);

}  // namespace molgen3d
