// The best rotation of one point set onto another, in closed form.
#pragma once

#include <array>

namespace molgen3d {

/// sum_i p_i q_i^T of two centred point sets, row by row.
using Covariance = std::array<double, 9>;

/// The largest value that trace(R A) takes over rotations R (no reflection): the sum of the
/// singular values of `a`, the smallest with the sign of det(a). With it the optimal RMSD of n
/// points is sqrt((|p|^2 + |q|^2 - 2 trace) / n) (Kabsch, Acta Cryst. A 32, 922, 1976).
///
/// Found as the largest root of the characteristic polynomial of Horn's quaternion matrix by
/// Newton's method from above (Theobald, Acta Cryst. A 61, 478, 2005); by an eigenvalue solver
/// where that root is (nearly) double: linear molecules and mirror images.
///
/// `at_least`: a value that must be exceeded to be of interest. When the result is not above it,
/// `at_least` itself is returned, usually after one evaluation of the polynomial. Pass -1 for none.
double largest_trace(const Covariance& a, double at_least = -1);

}  // namespace molgen3d
