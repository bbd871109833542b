// What the coordinates of one molecule must satisfy, as plain numbers: the hard set of
// docs/geometry.md. Made by the molecule room; read by host and device alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/host_device.h"
#include "geometry/position.h"

namespace molgen3d::geometry {

/// How much of the hard set is asked for.
enum class Level : uint8_t {
  kOff,
  kStereo,  ///< tetrahedral centres and double bonds that the SMILES specifies
  kFull,    ///< bonds, angles, clashes, ring reach and flat groups too
};

/// What two atoms are to each other.
enum class Relation : uint32_t { kBond, kAngle, kFar };

/// Distance of two atoms: [low, high] in 1e-3 A, kNoLimit: no upper limit.
struct PairLimit {
  static constexpr uint32_t kNoLimit = 0x7FFF;
  uint32_t low = 0, high = kNoLimit;
  Relation relation = Relation::kFar;
};
MOLGEN3D_HOST_DEVICE constexpr uint32_t pack(const PairLimit& limit) {
  return limit.low | limit.high << 15 | static_cast<uint32_t>(limit.relation) << 30;
}
MOLGEN3D_HOST_DEVICE constexpr PairLimit unpack(uint32_t word) {
  return {word & 0x7FFF, word >> 15 & 0x7FFF, static_cast<Relation>(word >> 30)};
}

/// The side on which an atom stands: the triple product of the unit vectors from `origin` to the
/// three arms, times `sign`, is at least `least` (in 1e-3; may be negative).
struct Hand {
  int32_t origin;
  int32_t arm[3];
  int32_t sign;  ///< +1 or -1
  int32_t least;
  /// Centres whose inversion together gives the same molecule are free as a group: `sign` then
  /// holds relative to the sign that hand `reference` has in space. -1: absolute.
  int32_t reference;
};

/// A double bond: substituents x (at begin) and y (at end) within 45 degrees of cis (sign +1) or
/// trans (-1).
struct BondSide {
  int32_t begin, end, x, y, sign;
};

/// Atoms [first, first + count) of plane_atoms(): none farther from their best plane than `limit`
/// (1e-3 A); for a pucker: at least one as far as that.
struct Plane {
  int32_t first, count, limit, pucker;
};

/// Views of the tables in one block of words, wherever it lies. Atoms are numbered in text order;
/// a table "by last atom" holds for atom i the entries [begin(i), begin(i + 1)) whose atoms all
/// stand once i does.
class HardSetView {
 public:
  enum Field : int {
    kAtoms,
    kLevel,
    kHasDistances,
    kPairs,  ///< offsets of the tables from here on
    kParents,
    kHandBegin,
    kHands,
    kSideBegin,
    kSides,
    kPlaneBegin,
    kPlanes,
    kPlaneAtoms,
    kEmbedding,  ///< 0: there is none
    kWords,      ///< words in all
    kHeader
  };

  MOLGEN3D_HOST_DEVICE explicit HardSetView(const int32_t* words) : words_(words) {}

  MOLGEN3D_HOST_DEVICE int atoms() const { return words_[kAtoms]; }
  MOLGEN3D_HOST_DEVICE bool full() const {
    return words_[kLevel] == static_cast<int>(Level::kFull);
  }
  /// False where RDKit has no sound bounds: distances are not to be used then.
  MOLGEN3D_HOST_DEVICE bool has_distances() const { return words_[kHasDistances] != 0; }
  /// Of all pairs, those of an atom one after the other.
  MOLGEN3D_HOST_DEVICE const uint32_t* all_pairs() const {
    return reinterpret_cast<const uint32_t*>(words_ + words_[kPairs]);
  }
  /// Limits of atom i to atoms 0 .. i - 1.
  MOLGEN3D_HOST_DEVICE const uint32_t* pairs(int i) const {
    return all_pairs() + static_cast<int64_t>(i) * (i - 1) / 2;
  }
  /// The last atom before i that is bonded to it, or -1.
  MOLGEN3D_HOST_DEVICE int parent(int i) const { return words_[words_[kParents] + i]; }
  MOLGEN3D_HOST_DEVICE int hand_begin(int i) const { return words_[words_[kHandBegin] + i]; }
  MOLGEN3D_HOST_DEVICE const Hand& hand(int index) const {
    return reinterpret_cast<const Hand*>(words_ + words_[kHands])[index];
  }
  MOLGEN3D_HOST_DEVICE int side_begin(int i) const { return words_[words_[kSideBegin] + i]; }
  MOLGEN3D_HOST_DEVICE const BondSide& side(int index) const {
    return reinterpret_cast<const BondSide*>(words_ + words_[kSides])[index];
  }
  MOLGEN3D_HOST_DEVICE int plane_begin(int i) const { return words_[words_[kPlaneBegin] + i]; }
  MOLGEN3D_HOST_DEVICE const Plane& plane(int index) const {
    return reinterpret_cast<const Plane*>(words_ + words_[kPlanes])[index];
  }
  MOLGEN3D_HOST_DEVICE const int32_t* plane_atoms() const { return words_ + words_[kPlaneAtoms]; }
  /// [atoms] places that satisfy the set, or null: none were found.
  MOLGEN3D_HOST_DEVICE const Position* embedding() const {
    const int32_t offset = words_[kEmbedding];
    return offset == 0 ? nullptr : reinterpret_cast<const Position*>(words_ + offset);
  }

 private:
  const int32_t* words_;
};

/// The hard set of one molecule. Immutable once made; shared by all its samples.
struct HardSet {
  std::vector<int32_t> words;
  /// Stereo that the SMILES specifies and that is not enforced, by name; empty: all of it is.
  std::vector<std::string> not_enforced;

  HardSetView view() const { return HardSetView(words.data()); }
};

/// Collects the tables of a molecule in any order and lays them out.
struct HardSetTables {
  int atoms = 0;
  Level level = Level::kFull;
  std::vector<PairLimit> pairs;  ///< of i > j at i (i - 1) / 2 + j
  bool has_distances = true;
  std::vector<std::vector<int32_t>> earlier;  ///< [atoms] bonded ones before each
  std::vector<Hand> hands;                    ///< references are indices into this vector
  std::vector<BondSide> sides;
  std::vector<Plane> planes;
  std::vector<int32_t> plane_atoms;
  std::vector<std::string> not_enforced;
  std::vector<Position> embedding;  ///< places that satisfy the set, or none
};
HardSet make_hard_set(const HardSetTables& tables);

}  // namespace molgen3d::geometry
