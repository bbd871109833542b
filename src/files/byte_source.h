// Bytes of a plain, gzip or xz file, for every reader of such files.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace molgen3d {

/// Uncompressed bytes, one buffer after the other.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills up to `size` bytes and returns how many; 0 at the end and after an error. Bytes that
  /// were read before an error are given first.
  virtual size_t read(char* buffer, size_t size) = 0;
  /// Why reading ended; empty at a sound end.
  const std::string& error() const { return error_; }

 protected:
  std::string error_;
};

/// The path without a last `.gz` or `.xz`: its ending names the format of the bytes.
std::string without_packing(const std::string& path);

/// `-`: standard input. Files and pipes are told apart by their first bytes. Throws Error when the
/// file cannot be opened, or is packed in a way that is not read (bzip2, zip, zstd, ...).
std::unique_ptr<ByteSource> open_byte_source(const std::string& path);

/// All uncompressed bytes of a file. Throws Error when there is none, or when it ends unsoundly.
std::string read_whole(const std::string& path);

}  // namespace molgen3d
