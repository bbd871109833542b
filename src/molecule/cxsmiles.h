// CXSMILES: `SMILES |extension| title`. docs/formats.md
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace molgen3d {

/// The parts of a line or field that begins with a SMILES. An extension begins with `|` after white
/// space and ends at the next `|`; what follows is the title. Views into the text.
struct SmilesField {
  std::string_view smiles;
  std::string_view extension;  ///< with both bars; empty when there is none
  std::string_view title;      ///< without white space around it
  /// SMILES and extension, as they stand.
  std::string_view molecule() const;
};
SmilesField split_smiles_field(std::string_view text);

/// What an extension asks for.
struct SmilesExtension {
  std::string radicals;            ///< to be carried: `^1:0,^2:4`
  std::vector<std::string> notes;  ///< one line per feature that is left out
  std::string refusal;             ///< a feature without which it is another molecule, or none
};
SmilesExtension read_extension(std::string_view extension);

}  // namespace molgen3d
