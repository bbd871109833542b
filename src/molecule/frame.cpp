#include "molecule/frame.h"

#include <Eigen/Eigenvalues>
#include <Eigen/Geometry>
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/text_hash.h"

namespace molgen3d {

namespace {

constexpr std::array<const char*, 4> kNames = {"principal", "centred", "random", "raw"};
/// An atom nearer than this to a plane does not decide its sign: rounding would.
constexpr double kSignDistance = 0.05;

using Points = Eigen::Matrix<double, Eigen::Dynamic, 3>;

/// Columns are the new axes.
Eigen::Matrix3d principal_axes(const Points& centred) {
  const Eigen::Matrix3d spread = centred.transpose() * centred;
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(spread);
  Eigen::Matrix3d axes = solver.eigenvectors().rowwise().reverse();  // widest first
  for (int axis = 0; axis < 2; ++axis) {
    const Eigen::VectorXd along = centred * axes.col(axis);
    Eigen::Index decisive = 0;
    for (Eigen::Index i = 0; i < along.size(); ++i) {
      if (std::abs(along[i]) > kSignDistance) {
        decisive = i;
        break;
      }
    }
    if (along[decisive] < 0) axes.col(axis) *= -1;
  }
  axes.col(2) = axes.col(0).cross(axes.col(1));
  return axes;
}

double uniform(uint64_t seed, uint64_t index) {
  return static_cast<double>(mix64(seed ^ mix64(index)) >> 11) * 0x1.0p-53;
}

/// Uniform over rotations: K. Shoemake, "Uniform random rotations", Graphics Gems III (1992).
Eigen::Matrix3d random_rotation(uint64_t seed) {
  const double u = uniform(seed, 0);
  const double a = 2 * std::numbers::pi * uniform(seed, 1);
  const double b = 2 * std::numbers::pi * uniform(seed, 2);
  const Eigen::Quaterniond q(std::sqrt(u) * std::cos(b), std::sqrt(1 - u) * std::sin(a),
                             std::sqrt(1 - u) * std::cos(a), std::sqrt(u) * std::sin(b));
  return q.toRotationMatrix();
}

}  // namespace

Frame frame_of_name(const std::string& name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Frame>(i);
  }
  throw Error::format("frame {}: not one of principal, centred, random, raw", in_quotes(name));
}

const char* frame_name(Frame frame) {
  return kNames[static_cast<size_t>(frame)];
}

Coordinates in_frame(const Coordinates& coordinates, Frame frame, uint64_t seed) {
  if (frame == Frame::kRaw || coordinates.empty()) return coordinates;
  Points points(static_cast<Eigen::Index>(coordinates.size()), 3);
  for (size_t i = 0; i < coordinates.size(); ++i) {
    const Point3& p = coordinates[i];
    points.row(static_cast<Eigen::Index>(i)) << p.x, p.y, p.z;
  }
  points.rowwise() -= points.colwise().mean().eval();
  if (frame == Frame::kPrincipal) points *= principal_axes(points);
  if (frame == Frame::kRandom) points *= random_rotation(seed);
  Coordinates out;
  out.reserve(coordinates.size());
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    out.push_back({points(i, 0), points(i, 1), points(i, 2)});
  }
  return out;
}

}  // namespace molgen3d
