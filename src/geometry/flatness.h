// How far atoms lie from the plane that fits them best.
#pragma once

#include <cmath>

#include "geometry/position.h"

namespace molgen3d::geometry {

/// One rotation of Jacobi's method that clears m[p][q] of a symmetric 3 x 3 matrix and turns the
/// eigenvectors (columns of v) with it (Golub and Van Loan, Matrix Computations, 8.5).
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline void rotate_pair(double m[3][3], double v[3][3],
                                                                  int p, int q) {
  if (m[p][q] == 0) return;
  const double tau = (m[q][q] - m[p][p]) / (2 * m[p][q]);
  const double t = (tau >= 0 ? 1 : -1) / ((tau >= 0 ? tau : -tau) + sqrt(1 + tau * tau));
  const double c = 1 / sqrt(1 + t * t), s = t * c;
  for (int k = 0; k < 3; ++k) {
    const double a = m[k][p], b = m[k][q];
    m[k][p] = c * a - s * b;
    m[k][q] = s * a + c * b;
  }
  for (int k = 0; k < 3; ++k) {
    const double a = m[p][k], b = m[q][k];
    m[p][k] = c * a - s * b;
    m[q][k] = s * a + c * b;
  }
  for (int k = 0; k < 3; ++k) {
    const double a = v[k][p], b = v[k][q];
    v[k][p] = c * a - s * b;
    v[k][q] = s * a + c * b;
  }
}

/// Largest distance from the least-squares plane of the `count` (>= 3) listed atoms, in units.
template <typename Points>
MOLGEN3D_HOST_DEVICE MOLGEN3D_DEVICE_CALL inline double off_plane(const int32_t* atoms, int count,
                                                                  const Points& at) {
  Vector mean = {0, 0, 0};
  for (int i = 0; i < count; ++i) {
    mean.x += at[atoms[i]].x;
    mean.y += at[atoms[i]].y;
    mean.z += at[atoms[i]].z;
  }
  mean = {mean.x / count, mean.y / count, mean.z / count};
  double m[3][3] = {}, v[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  for (int i = 0; i < count; ++i) {
    const double d[3] = {at[atoms[i]].x - mean.x, at[atoms[i]].y - mean.y, at[atoms[i]].z - mean.z};
    for (int p = 0; p < 3; ++p) {
      for (int q = 0; q < 3; ++q) m[p][q] += d[p] * d[q];
    }
  }
  // Converges quadratically: six sweeps are more than double precision needs.
  for (int sweep = 0; sweep < 6; ++sweep) {
    rotate_pair(m, v, 0, 1);
    rotate_pair(m, v, 0, 2);
    rotate_pair(m, v, 1, 2);
  }
  int least = 0;
  for (int k = 1; k < 3; ++k) {
    if (m[k][k] < m[least][least]) least = k;
  }
  double most = 0;
  for (int i = 0; i < count; ++i) {
    const double off = (at[atoms[i]].x - mean.x) * v[0][least] +
                       (at[atoms[i]].y - mean.y) * v[1][least] +
                       (at[atoms[i]].z - mean.z) * v[2][least];
    const double distance = off < 0 ? -off : off;
    if (distance > most) most = distance;
  }
  return most;
}

}  // namespace molgen3d::geometry
