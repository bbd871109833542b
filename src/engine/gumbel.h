// Gumbel noise from 32 random bits, the same to the last bit on CPU and GPU: IEEE double additions,
// products and divisions only, each rounded once (no contraction to fused multiply-add, no libm).
#pragma once

#include <bit>
#include <cstdint>

#include "engine/noise.h"

namespace molgen3d {

namespace exact {
// The host is compiled with -ffp-contract=off; the device needs the rounding spelled out.
#if defined(__CUDA_ARCH__)
__device__ inline double add(double a, double b) {
  return __dadd_rn(a, b);
}
__device__ inline double mul(double a, double b) {
  return __dmul_rn(a, b);
}
__device__ inline double div(double a, double b) {
  return __ddiv_rn(a, b);
}
__device__ inline uint64_t bits(double x) {
  return __double_as_longlong(x);
}
__device__ inline double from_bits(uint64_t x) {
  return __longlong_as_double(x);
}
#else
MOLGEN3D_HOST_DEVICE inline double add(double a, double b) {
  return a + b;
}
MOLGEN3D_HOST_DEVICE inline double mul(double a, double b) {
  return a * b;
}
MOLGEN3D_HOST_DEVICE inline double div(double a, double b) {
  return a / b;
}
MOLGEN3D_HOST_DEVICE inline uint64_t bits(double x) {
  return std::bit_cast<uint64_t>(x);
}
MOLGEN3D_HOST_DEVICE inline double from_bits(uint64_t x) {
  return std::bit_cast<double>(x);
}
#endif
}  // namespace exact

/// Natural logarithm of a positive normal double; relative error below 1e-15, also next to 1.
/// x = 2^k m with m in [1/sqrt 2, sqrt 2), log m = 2 artanh s, s = (m - 1) / (m + 1), |s| < 0.172:
/// the odd series in s cut after s^21.
MOLGEN3D_HOST_DEVICE inline double exact_log(double x) {
  constexpr uint64_t kSqrtHalf = 0x3FE6A09E667F3BCDULL;
  const uint64_t shifted = exact::bits(x) + (0x3FF0000000000000ULL - kSqrtHalf);
  const double k = static_cast<double>(static_cast<int>(shifted >> 52) - 1023);
  const double m = exact::from_bits((shifted & 0x000FFFFFFFFFFFFFULL) + kSqrtHalf);
  const double s = exact::div(exact::add(m, -1.0), exact::add(m, 1.0));
  const double z = exact::mul(s, s);
  double r = 1.0 / 21;
  r = exact::add(exact::mul(r, z), 1.0 / 19);
  r = exact::add(exact::mul(r, z), 1.0 / 17);
  r = exact::add(exact::mul(r, z), 1.0 / 15);
  r = exact::add(exact::mul(r, z), 1.0 / 13);
  r = exact::add(exact::mul(r, z), 1.0 / 11);
  r = exact::add(exact::mul(r, z), 1.0 / 9);
  r = exact::add(exact::mul(r, z), 1.0 / 7);
  r = exact::add(exact::mul(r, z), 1.0 / 5);
  r = exact::add(exact::mul(r, z), 1.0 / 3);
  r = exact::mul(exact::mul(r, z), s);
  return exact::add(exact::mul(k, 0.693147180559945309417), exact::mul(2.0, exact::add(s, r)));
}

/// Standard Gumbel variate -log(-log u) of u = (bits + 1/2) 2^-32; grows with `bits`.
MOLGEN3D_HOST_DEVICE inline double gumbel(uint32_t bits) {
  const double u = exact::mul(exact::add(static_cast<double>(bits), 0.5), 0x1p-32);
  return -exact_log(-exact_log(u));
}

/// No variate is larger: gumbel(2^32 - 1) = 33 log 2 = 22.8739.
inline constexpr double kMaxGumbel = 22.87386;

/// What a draw maximises (Gumbel-max): the legal token of the largest score wins, ties go to the
/// lowest id. `inverse_temperature` is 1.0 / double(temperature).
MOLGEN3D_HOST_DEVICE inline double noisy_score(float logit, double inverse_temperature,
                                               uint32_t bits) {
  return exact::add(exact::mul(static_cast<double>(logit), inverse_temperature), gumbel(bits));
}

}  // namespace molgen3d
