// Do two assignments of stereo to one molecular graph mean the same stereoisomer? Private to the
// room.
#pragma once

#include <cstdint>
#include <vector>

namespace RDKit {
class ROMol;
}

namespace molgen3d {

struct StereoMarks {
  /// By atom: +1 clockwise, -1 counter-clockwise, of RDKit's tag (it refers to the order of the
  /// atom's bonds); 0: no stereocentre, or one that is not decided.
  std::vector<int8_t> centres;
  /// By bond: +1 cis, -1 trans, of RDKit's two stereo atoms; 0 as above.
  std::vector<int8_t> bonds;
};

/// True when an automorphism of the graph of `mol` carries `wanted` into `found`: a relabelling of
/// equal atoms, such as turning a meso compound or a 1,4-disubstituted ring over. Exact, with no
/// ranking of neighbours, so centres that depend on other centres or on double bonds count like
/// any. What `wanted` leaves at 0 is no stereo element; what only `found` leaves at 0 agrees with
/// everything. False after kMaxStereoSteps partial maps (hundreds of equal, interlinked parts).
bool same_stereoisomer(const RDKit::ROMol& mol, const StereoMarks& wanted,
                       const StereoMarks& found);

inline constexpr long kMaxStereoSteps = 500000;

}  // namespace molgen3d
