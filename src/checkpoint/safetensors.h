// The safetensors file format (https://github.com/huggingface/safetensors): 8 bytes with the length
// of a JSON header, the header, the data. Files are untrusted input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d {

/// Longest header that is read, as in the format's reference reader.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

struct SafetensorsEntry {
  std::string name;
  std::string type;  ///< as written: "F32", "BF16", "I64", ...
  std::vector<int64_t> shape;
  size_t offset = 0;  ///< of the first byte, from the beginning of the file
  size_t size = 0;    ///< bytes
};

/// The tensors of a file's contents, in the order of their data. Guaranteed afterwards: names are
/// unique, every extent lies inside the file, equals the product of its shape times the size of its
/// type, and the extents cover the data without gaps, overlaps or a rest.
/// Throws Error, beginning with `place`, otherwise. `__metadata__` is skipped.
std::vector<SafetensorsEntry> read_safetensors_header(std::span<const std::byte> file,
                                                      const std::string& place);

/// Bytes of one element of a safetensors type; 0 for an unknown one.
size_t safetensors_type_size(std::string_view type);

}  // namespace molgen3d
