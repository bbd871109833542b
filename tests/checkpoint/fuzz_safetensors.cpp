// Input: the bytes of a safetensors file. Whatever they are, the reader either throws Error or
// gives extents that lie inside the input and cover its data exactly.
#include <cstdlib>

#include "base/error.h"
#include "checkpoint/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* const bytes = reinterpret_cast<const std::byte*>(data);
  try {
    size_t covered = 0, next = 0;
    for (const auto& entry : molgen3d::read_safetensors_header({bytes, size}, "input")) {
      if (entry.offset > size || entry.size > size - entry.offset) std::abort();
      if (next != 0 && entry.offset != next) std::abort();
      size_t expected = molgen3d::safetensors_type_size(entry.type);
      for (const int64_t length : entry.shape) expected *= static_cast<size_t>(length);
      if (expected != entry.size) std::abort();
      next = entry.offset + entry.size;
      covered += entry.size;
    }
    if (covered > size || (next != 0 && next != size)) std::abort();
  } catch (const molgen3d::Error&) {
  }
  return 0;
}
