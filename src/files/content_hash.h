// XXH64 (Collet, xxHash specification): tells whether data are the same as in an earlier run, fast
// enough for gigabytes of weights. No protection against intent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace molgen3d {

uint64_t content_hash(std::string_view bytes, uint64_t seed = 0);

/// 16 hexadecimal digits.
std::string hash_text(uint64_t hash);

/// Of all bytes of a file, read in pieces of 1 MiB: the hash of the pieces' hashes. Throws Error
/// when it cannot be read.
uint64_t file_hash(const std::filesystem::path& path);

}  // namespace molgen3d
