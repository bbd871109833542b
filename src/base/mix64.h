// A 64-bit hash that mixes every bit into every other.
#pragma once

#include <cstdint>

#include "base/host_device.h"

namespace molgen3d {

/// splitmix64's finalizer (Steele, Lea and Flood, OOPSLA 2014).
MOLGEN3D_HOST_DEVICE constexpr uint64_t mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace molgen3d
