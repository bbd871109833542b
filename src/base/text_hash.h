// A hash of text that is the same on every machine and in every version: splits and seeds depend on
// it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/mix64.h"

namespace molgen3d {

/// FNV-1a over the bytes (its offset basis and prime), then mix64().
constexpr uint64_t text_hash(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return mix64(hash);
}

}  // namespace molgen3d
