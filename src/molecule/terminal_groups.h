// Terminal O and N whose single and double bonds are conjugated. For code that sees RDKit.
#pragma once

#include <utility>
#include <vector>

namespace RDKit {
class ROMol;
}

namespace molgen3d {

/// (terminal atom, its neighbour) for O and N of degree one in `X-*=X`, as GetBestRMS finds them
/// (rdkit pull request 5322).
std::vector<std::pair<unsigned, unsigned>> conjugated_terminal_atoms(const RDKit::ROMol& mol);

}  // namespace molgen3d
