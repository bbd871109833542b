#include "quality/superposition.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

namespace molgen3d {

namespace {

double trace_by_eigenvalues(const Covariance& a) {
  const auto& [xx, xy, xz, yx, yy, yz, zx, zy, zz] = a;
  Eigen::Matrix4d k;
  k << xx + yy + zz, yz - zy, zx - xz, xy - yx,  //
      yz - zy, xx - yy - zz, xy + yx, zx + xz,   //
      zx - xz, xy + yx, yy - xx - zz, yz + zy,   //
      xy - yx, zx + xz, yz + zy, zz - xx - yy;
  return Eigen::SelfAdjointEigenSolver<Eigen::Matrix4d>(k, Eigen::EigenvaluesOnly).eigenvalues()[3];
}

}  // namespace

double largest_trace(const Covariance& a, double at_least) {
  const auto& [xx, xy, xz, yx, yy, yz, zx, zy, zz] = a;
  double norm = 0;  // of a, squared
  for (const double v : a) norm += v * v;
  const double c[9] = {yy * zz - yz * zy, yz * zx - yx * zz, yx * zy - yy * zx,
                       xz * zy - xy * zz, xx * zz - xz * zx, xy * zx - xx * zy,
                       xy * yz - xz * yy, xz * yx - xx * yz, xx * yy - xy * yx};
  double cofactors = 0;
  for (const double v : c) cofactors += v * v;
  const double det = xx * c[0] + xy * c[1] + xz * c[2];
  // With singular values s, the roots are s1+s2+s3, s1-s2-s3, -s1+s2-s3, -s1-s2+s3, so that
  // p(t) = t^4 - 2 |a|^2 t^2 - 8 det(a) t + |a|^4 - 4 |cof(a)|^2.
  const double c0 = norm * norm - 4 * cofactors;
  const auto value = [&](double t) { return ((t * t - 2 * norm) * t - 8 * det) * t + c0; };
  const auto slope = [&](double t) { return (4 * t * t - 4 * norm) * t - 8 * det; };
  // All roots are real: p and its derivatives are positive exactly beyond the largest one.
  if (at_least > 0 && value(at_least) >= 0 && slope(at_least) > 0 && 3 * at_least * at_least > norm)
    return at_least;
  const double scale = std::sqrt(3 * norm);  // no root is larger
  if (!(scale > 0) || !std::isfinite(c0)) return std::max(at_least, trace_by_eigenvalues(a));
  double t = scale;
  for (int i = 0; i < 30; ++i) {
    const double s = slope(t);
    // The slope is the product of the distances to the other roots: near zero the root is double
    // and Newton's method would lose half of the digits.
    if (!(s > 1e-4 * scale * scale * scale)) return std::max(at_least, trace_by_eigenvalues(a));
    const double step = value(t) / s;
    t -= step;
    if (std::abs(step) <= 1e-14 * scale) return std::max(at_least, t);
  }
  return std::max(at_least, trace_by_eigenvalues(a));
}

}  // namespace molgen3d
