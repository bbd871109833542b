// Moves atoms towards the hard set: one round of constraint projection.
//
// Position-based dynamics in Jacobi form (Mueller et al., J. Vis. Commun. 2007; averaged as in
// Macklin et al., ACM TOG 2014), the parallel cousin of self-organized distance geometry (Xu,
// Izrailev, Agrafiotis, J. Chem. Inf. Comput. Sci. 2003): every broken constraint says how its
// atoms should move to satisfy it, and each atom moves by the mean of what it was told. Positions
// have a fourth coordinate through which atoms may pass each other and centres turn inside out
// (Crippen, J. Comput. Chem. 1982). Corrections are added as whole numbers, so that their order,
// and with it the number of threads, does not change a bit.
#pragma once

#include <cmath>

#include "geometry/check.h"

namespace molgen3d::geometry {

/// Working memory of a projection; all arrays belong to the caller. The fourth coordinate is 0 once
/// a molecule is flat in space again.
struct ProjectionMemory {
  int32_t* place;  ///< [atoms][4] units
  int32_t* last;   ///< [atoms][4] of the round before
  int32_t* sum;    ///< [atoms][5] corrections and how many there were
};
/// Words of the three for `atoms` atoms.
MOLGEN3D_HOST_DEVICE constexpr int projection_words(int atoms) {
  return 13 * atoms;
}
MOLGEN3D_HOST_DEVICE inline ProjectionMemory projection_memory(int32_t* words, int atoms) {
  return {words, words + 4 * atoms, words + 8 * atoms};
}

/// The places as positions.
struct Projected {
  const int32_t* place;
  MOLGEN3D_HOST_DEVICE Position operator[](int i) const {
    return {place[4 * i], place[4 * i + 1], place[4 * i + 2]};
  }
};

/// How far inside a limit a correction aims, so that what is corrected stays right: units.
inline constexpr float kInside = 200;
/// Single precision counts as right what is this far inside its limit; check_atom() decides then.
inline constexpr float kSurely = 4;
/// The same for triple products of unit vectors.
inline constexpr float kHandInside = 0.08F;
/// cos 35 degrees of the 45 that double bonds have.
inline constexpr float kSideInside = 0.82F, kSideLimit = 0.7081F;
/// Double bonds are turned this much of the way: more overshoots in polyenes.
inline constexpr float kSideShare = 0.2F;
/// Farthest that one correction moves an atom, units.
inline constexpr float kFarthestMove = 10000;

struct Real3 {
  float x, y, z;
};
MOLGEN3D_HOST_DEVICE inline Real3 between(const int32_t* place, int from, int to) {
  return {static_cast<float>(place[4 * to] - place[4 * from]),
          static_cast<float>(place[4 * to + 1] - place[4 * from + 1]),
          static_cast<float>(place[4 * to + 2] - place[4 * from + 2])};
}
MOLGEN3D_HOST_DEVICE inline float dot(const Real3& a, const Real3& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
MOLGEN3D_HOST_DEVICE inline Real3 cross(const Real3& a, const Real3& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
MOLGEN3D_HOST_DEVICE inline Real3 scaled(const Real3& a, float by) {
  return {a.x * by, a.y * by, a.z * by};
}

/// One round over a molecule of which the first `fixed` atoms do not move.
template <typename Crew>
class Projection {
 public:
  MOLGEN3D_HOST_DEVICE Projection(const Crew& crew, const HardSetView& set,
                                  const ProjectionMemory& memory, int fixed)
      : crew_(crew), set_(set), m_(memory), fixed_(fixed) {}

  /// Adds the corrections to memory.sum, which holds zeros; false where this thread saw a
  /// constraint of the hard set that may be broken.
  /// `with_planes`: these take longest, and hold once they do.
  MOLGEN3D_HOST_DEVICE bool correct(bool with_planes) {
    bool right = !with_planes || planes();
    right = hands() && right;
    right = sides() && right;
    right = distances() && right;
    return right;
  }

  /// Moves the atoms and clears the sums. `momentum`: share of the last move that is made again;
  /// `flatten`: share of the fourth coordinate that stays; `farthest`: coordinate, in units.
  MOLGEN3D_HOST_DEVICE void move(float momentum, float flatten, int32_t farthest) {
    for (int i = fixed_ + crew_.rank; i < set_.atoms(); i += crew_.size) {
      int32_t* place = m_.place + 4 * i;
      int32_t* last = m_.last + 4 * i;
      int32_t* sum = m_.sum + 5 * i;
      const float share = sum[4] > 0 ? kOverRelaxation / static_cast<float>(sum[4]) : 0;
      for (int c = 0; c < 4; ++c) {
        const int32_t now = place[c];
        float next = static_cast<float>(now) + share * static_cast<float>(sum[c]) +
                     momentum * static_cast<float>(now - last[c]);
        if (c == 3) next = next * flatten;
        const auto most = static_cast<float>(farthest);
        next = next > most ? most : next < -most ? -most : next;
        place[c] = static_cast<int32_t>(next);
        last[c] = now;
        sum[c] = 0;
      }
      if (place[3] < kFlat && place[3] > -kFlat) place[3] = last[3] = 0;
      sum[4] = 0;
    }
  }

 private:
  static constexpr float kOverRelaxation = 1.4F;
  static constexpr int32_t kFlat = 300;  ///< of the fourth coordinate, units

  /// As wanted_sign().
  MOLGEN3D_HOST_DEVICE float sign_of(const Hand& hand) const {
    if (hand.reference < 0) return static_cast<float>(hand.sign);
    const Hand& reference = set_.hand(hand.reference);
    const Real3 a = between(m_.place, reference.origin, reference.arm[0]);
    const Real3 b = between(m_.place, reference.origin, reference.arm[1]);
    const Real3 c = between(m_.place, reference.origin, reference.arm[2]);
    const int sign = hand.sign * reference.sign;
    return static_cast<float>(dot(a, cross(b, c)) < 0 ? -sign : sign);
  }
  MOLGEN3D_HOST_DEVICE bool moves(int atom) const { return atom >= fixed_; }
  MOLGEN3D_HOST_DEVICE void add(int atom, const Real3& move, float fourth = 0) const {
    if (!moves(atom)) return;
    int32_t* sum = m_.sum + 5 * atom;
    const float square = dot(move, move);
    const float shrink = square > kFarthestMove * kFarthestMove ? kFarthestMove / sqrtf(square) : 1;
    crew_.add(sum, static_cast<int32_t>(move.x * shrink));
    crew_.add(sum + 1, static_cast<int32_t>(move.y * shrink));
    crew_.add(sum + 2, static_cast<int32_t>(move.z * shrink));
    if (fourth != 0) crew_.add(sum + 3, static_cast<int32_t>(fourth));
    crew_.add(sum + 4, 1);
  }

  MOLGEN3D_HOST_DEVICE bool distances() const;
  MOLGEN3D_HOST_DEVICE bool distance(int i, int j, const PairLimit& limit) const;
  MOLGEN3D_HOST_DEVICE bool hands() const;
  MOLGEN3D_HOST_DEVICE bool hand(const Hand& hand) const;
  MOLGEN3D_HOST_DEVICE bool sides() const;
  MOLGEN3D_HOST_DEVICE bool side(const BondSide& side) const;
  MOLGEN3D_HOST_DEVICE bool planes() const;
  MOLGEN3D_HOST_DEVICE bool plane(const Plane& plane) const;

  const Crew crew_;
  const HardSetView set_;
  const ProjectionMemory& m_;
  const int fixed_;
};

template <typename Crew>
MOLGEN3D_HOST_DEVICE inline bool Projection<Crew>::distance(int i, int j,
                                                            const PairLimit& limit) const {
  if (limit.low == 0 && limit.high == PairLimit::kNoLimit) return true;
  constexpr float kScale = kUnits / 1000;
  const bool has_high = limit.high != PairLimit::kNoLimit;
  const float room = static_cast<float>(limit.high - limit.low) * kScale;
  const float inside = has_high && room < 4 * kInside ? room / 4 : kInside;
  const float low = static_cast<float>(limit.low) * kScale + inside;
  const float high = static_cast<float>(limit.high) * kScale - inside;
  const Real3 d = between(m_.place, j, i);
  const float fourth = static_cast<float>(m_.place[4 * i + 3] - m_.place[4 * j + 3]);
  const float square = dot(d, d) + fourth * fourth;
  const bool near = square < low * low;
  if (!near && !(has_high && square > high * high)) return true;
  float length = sqrtf(square);
  Real3 along = d;
  if (length < 1) {  // anywhere apart
    along = {1, 0, 0};
    length = 1;
  }
  float by = ((near ? low : high) - length) / length;
  if (moves(i) && moves(j)) by = by / 2;
  add(i, scaled(along, by), fourth * by);
  add(j, scaled(along, -by), -fourth * by);
  if (!set_.full()) return true;
  const float flat = dot(d, d);
  const float least = static_cast<float>(limit.low) * kScale + kSurely;
  const float most = static_cast<float>(limit.high) * kScale - kSurely;
  return flat >= least * least && (!has_high || flat <= most * most);
}

template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Projection<Crew>::distances() const {
  if (!set_.has_distances()) return true;
  bool right = true;
  const uint32_t* const all = set_.all_pairs();
  const int first = fixed_ * (fixed_ - 1) / 2;
  const int count = set_.atoms() * (set_.atoms() - 1) / 2;
  // Pair p is of atom i and one of the i before it, p = i (i - 1) / 2 + j; i from p is kept as the
  // pairs go by.
  int i = fixed_ > 0 ? fixed_ : 1;
  for (int p = first + crew_.rank; p < count; p += crew_.size) {
    while (p >= i * (i + 1) / 2) ++i;
    right = distance(i, p - i * (i - 1) / 2, unpack(all[p])) && right;
  }
  return right;
}

template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Projection<Crew>::hand(
    const Hand& hand) const {
  const Real3 a = between(m_.place, hand.origin, hand.arm[0]);
  const Real3 b = between(m_.place, hand.origin, hand.arm[1]);
  const Real3 c = between(m_.place, hand.origin, hand.arm[2]);
  const float sign = sign_of(hand);
  const float limit = static_cast<float>(hand.least) * 1e-3F, least = limit + kHandInside;
  const float lengths = sqrtf(dot(a, a) * dot(b, b)) * sqrtf(dot(c, c));
  const Real3 ga = cross(b, c), gb = cross(c, a), gc = cross(a, b);
  const float volume = sign * dot(a, ga);
  const float missing = least * lengths - volume;
  if (!(missing > 0) && lengths > 0) return true;
  const Real3 go = {-(ga.x + gb.x + gc.x), -(ga.y + gb.y + gc.y), -(ga.z + gb.z + gc.z)};
  const float weight =
      (moves(hand.arm[0]) ? dot(ga, ga) : 0) + (moves(hand.arm[1]) ? dot(gb, gb) : 0) +
      (moves(hand.arm[2]) ? dot(gc, gc) : 0) + (moves(hand.origin) ? dot(go, go) : 0);
  if (weight > 0) {
    const float by = sign * missing / weight;
    add(hand.arm[0], scaled(ga, by));
    add(hand.arm[1], scaled(gb, by));
    add(hand.arm[2], scaled(gc, by));
    add(hand.origin, scaled(go, by));
  }
  return lengths > 0 && volume >= (limit + 1e-3F) * lengths;
}

template <typename Crew>
MOLGEN3D_HOST_DEVICE inline bool Projection<Crew>::hands() const {
  bool right = true;
  // Hands that end before the first atom that moves are decided.
  const int count = set_.hand_begin(set_.atoms());
  const int start = (crew_.rank + crew_.size / 2) % crew_.size;
  for (int k = set_.hand_begin(fixed_) + start; k < count; k += crew_.size)
    right = hand(set_.hand(k)) && right;
  return right;
}

template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Projection<Crew>::side(
    const BondSide& side) const {
  const Real3 axis = between(m_.place, side.begin, side.end);
  const Real3 x = between(m_.place, side.begin, side.x);
  const Real3 y = between(m_.place, side.end, side.y);
  const float square = dot(axis, axis);
  if (!(square > 0)) return false;
  const float along_x = dot(x, axis) / square, along_y = dot(y, axis) / square;
  const Real3 a = {x.x - axis.x * along_x, x.y - axis.y * along_x, x.z - axis.z * along_x};
  const Real3 b = {y.x - axis.x * along_y, y.y - axis.y * along_y, y.z - axis.z * along_y};
  const float la = sqrtf(dot(a, a)), lb = sqrtf(dot(b, b));
  if (!(la > 0 && lb > 0)) return false;
  const float sign = static_cast<float>(side.sign);
  if (sign * dot(a, b) >= kSideInside * la * lb) return true;
  const float to_a = sign * la / lb, to_b = sign * lb / la;
  const float by = moves(side.x) && moves(side.y) ? kSideShare / 2 : kSideShare;
  add(side.x, {(b.x * to_a - a.x) * by, (b.y * to_a - a.y) * by, (b.z * to_a - a.z) * by});
  add(side.y, {(a.x * to_b - b.x) * by, (a.y * to_b - b.y) * by, (a.z * to_b - b.z) * by});
  return sign * dot(a, b) >= kSideLimit * la * lb;
}

template <typename Crew>
MOLGEN3D_HOST_DEVICE inline bool Projection<Crew>::sides() const {
  bool right = true;
  const int count = set_.side_begin(set_.atoms());
  const int start = (crew_.rank + crew_.size / 4) % crew_.size;
  for (int k = set_.side_begin(fixed_) + start; k < count; k += crew_.size)
    right = side(set_.side(k)) && right;
  return right;
}

/// Pushes atoms to their best plane, or the outermost one off it for a pucker. The normal is found
/// by power iteration of the adjugate of the covariance, whose largest eigenvalue belongs to it.
template <typename Crew>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline bool Projection<Crew>::plane(
    const Plane& plane) const {
  const int32_t* atoms = set_.plane_atoms() + plane.first;
  const int origin = atoms[0];
  const float share = 1.0F / static_cast<float>(plane.count);
  Real3 mean = {0, 0, 0};
  float xx = 0, xy = 0, xz = 0, yy = 0, yz = 0, zz = 0;
  for (int k = 1; k < plane.count; ++k) {
    const Real3 d = scaled(between(m_.place, origin, atoms[k]), 1.0F / kUnits);
    mean = {mean.x + d.x, mean.y + d.y, mean.z + d.z};
    xx += d.x * d.x;
    xy += d.x * d.y;
    xz += d.x * d.z;
    yy += d.y * d.y;
    yz += d.y * d.z;
    zz += d.z * d.z;
  }
  xx -= mean.x * mean.x * share;
  xy -= mean.x * mean.y * share;
  xz -= mean.x * mean.z * share;
  yy -= mean.y * mean.y * share;
  yz -= mean.y * mean.z * share;
  zz -= mean.z * mean.z * share;
  mean = scaled(mean, kUnits * share);
  const Real3 row[3] = {{yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy},
                        {xz * yz - xy * zz, xx * zz - xz * xz, xy * xz - xx * yz},
                        {xy * yz - xz * yy, xy * xz - xx * yz, xx * yy - xy * xy}};
  Real3 normal = row[0].x >= row[1].y && row[0].x >= row[2].z ? row[0]
                 : row[1].y >= row[2].z                       ? row[1]
                                                              : row[2];
  for (int step = 0; step < 4; ++step) {
    const float square = dot(normal, normal);
    if (!(square > 0)) return !(plane.pucker != 0);  // all on a line
    const Real3 n = scaled(normal, 1 / sqrtf(square));
    normal = {dot(row[0], n), dot(row[1], n), dot(row[2], n)};
  }
  const float square = dot(normal, normal);
  if (!(square > 0)) return false;
  normal = scaled(normal, 1 / sqrtf(square));
  const float limit = static_cast<float>(plane.limit) * 1e-3F * kUnits;
  const auto off_of = [&](int k) {
    const Real3 d = between(m_.place, origin, atoms[k]);
    return dot({d.x - mean.x, d.y - mean.y, d.z - mean.z}, normal);
  };
  float most = 0;
  int outermost = 0;
  for (int k = 0; k < plane.count; ++k) {
    const float off = off_of(k), distance = off < 0 ? -off : off;
    if (distance <= most) continue;
    most = distance;
    outermost = k;
  }
  if (plane.pucker != 0) {
    if (most >= 1.5F * limit) return true;
    const float by = (off_of(outermost) < 0 ? -1.0F : 1.0F) * 3 * limit;
    if (moves(atoms[outermost])) {
      add(atoms[outermost], scaled(normal, by));
    } else {
      for (int k = 0; k < plane.count; ++k) {
        if (k != outermost) add(atoms[k], scaled(normal, -by));
      }
    }
    return most >= limit + kSurely;
  }
  if (most <= 0.85F * limit) return true;
  for (int k = 0; k < plane.count; ++k) {
    const float off = off_of(k);
    if (off > 0.4F * limit || off < -0.4F * limit) add(atoms[k], scaled(normal, -off));
  }
  return most <= limit - kSurely;
}

template <typename Crew>
MOLGEN3D_HOST_DEVICE inline bool Projection<Crew>::planes() const {
  if (!set_.full()) return true;
  bool right = true;
  const int count = set_.plane_begin(set_.atoms());
  for (int k = set_.plane_begin(fixed_) + crew_.rank; k < count; k += crew_.size)
    right = plane(set_.plane(k)) && right;
  return right;
}

}  // namespace molgen3d::geometry
