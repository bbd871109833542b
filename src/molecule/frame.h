// Rigid placements of a conformer: models of text see absolute coordinates, so a data set fixes
// one.
#pragma once

#include <cstdint>
#include <string>

#include "molecule/molecule.h"

namespace molgen3d {

enum class Frame : uint8_t {
  /// Centroid at the origin, axes along the principal axes, widest first. Signs: the first atom
  /// further than 0.05 A from the plane x = 0 has x > 0, the same for y; z makes the frame
  /// right-handed, so nothing is mirrored. Where two axes are equally wide (benzene), or the
  /// molecule is linear, the choice among them is arbitrary but reproducible.
  kPrincipal,
  kCentred,  ///< centroid at the origin, not turned
  kRandom,   ///< centroid at the origin, turned by a uniformly random rotation
  kRaw,      ///< as computed or as given
};
/// "principal", "centred", "random", "raw"; throws Error for another name.
Frame frame_of_name(const std::string& name);
const char* frame_name(Frame frame);

/// `coordinates` (Angstrom, not empty) moved and turned, never mirrored. All atoms weigh the same.
/// `seed` matters for kRandom only.
Coordinates in_frame(const Coordinates& coordinates, Frame frame, uint64_t seed = 0);

}  // namespace molgen3d
