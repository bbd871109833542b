// Kinds of files that hold molecules or nothing of the sort, told by content or name, so that they
// are refused as a whole and not line by line.
#pragma once

#include <string>
#include <string_view>

namespace molgen3d {

/// What a file that begins so is, when it cannot be lines of SMILES: "an XYZ file", "HTML or XML",
/// ...; empty when it may be.
std::string foreign_content(std::string_view begin);

/// The same by the ending of a name (before .gz or .xz): .mol2, .pdb, .xyz, .zip, ...
std::string foreign_name(const std::string& path);

}  // namespace molgen3d
