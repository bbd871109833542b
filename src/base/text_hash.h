// A hash of text that is the same on every machine and in every version: splits and seeds depend on
// it.
#pragma once

#include <cstdint>
#include <string_view>

namespace molgen3d {

/// splitmix64's finalizer: every input bit reaches every output bit.
constexpr uint64_t mix_bits(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// FNV-1a over the bytes (its offset basis and prime), then mix_bits().
constexpr uint64_t text_hash(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return mix_bits(hash);
}

}  // namespace molgen3d
