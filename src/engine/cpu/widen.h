// Stored values as floats.
#pragma once

#include <cstring>

#include "engine/cpu/kernels.h"

namespace molgen3d::cpu {

/// Exact: a bf16 is the high half of a float.
inline float widen(BFloat16 v) {
  const uint32_t bits = static_cast<uint32_t>(v) << 16;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
inline float widen(float v) {
  return v;
}

}  // namespace molgen3d::cpu
