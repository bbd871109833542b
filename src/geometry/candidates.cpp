#include "geometry/candidates.h"

#include <array>
#include <cmath>

namespace molgen3d::geometry {

namespace {

int32_t units(double v) {
  return static_cast<int32_t>(std::lround(v * kUnits));
}

std::array<Position, kDirectionTable> make_directions() {
  // Angles are turned step by step: sums, products and square roots only, so that the rounded
  // vectors do not depend on a mathematical library.
  constexpr double kGoldenCos = -0.73736887807831985, kGoldenSin = 0.67549029426152395;
  constexpr double kStepCos = 0.99879545620517241, kStepSin = 0.049067674327418015;  // 2 pi / 128
  static_assert(kAngles == 128);
  std::array<Position, kDirectionTable> out;
  size_t next = 0;
  double c = 1, s = 0;
  const auto turn = [&](double by_cos, double by_sin) {
    const double turned = c * by_cos - s * by_sin;
    s = s * by_cos + c * by_sin;
    c = turned;
  };
  for (int i = 0; i < kDirections; ++i) {
    const double z = 1 - (2 * i + 1) / static_cast<double>(kDirections);
    const double r = std::sqrt(1 - z * z);
    out[next++] = {units(r * c), units(r * s), units(z)};
    turn(kGoldenCos, kGoldenSin);
  }
  c = 1;
  s = 0;
  for (int i = 0; i < kAngles; ++i) {
    out[next++] = {units(c), units(s), 0};
    turn(kStepCos, kStepSin);
  }
  return out;
}

}  // namespace

const Position* candidate_directions() {
  static const std::array<Position, kDirectionTable> directions = make_directions();
  return directions.data();
}

}  // namespace molgen3d::geometry
