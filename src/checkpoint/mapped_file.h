// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace molgen3d {

/// Pages are read when touched, and shared between processes that open the same file. The file must
/// not be cut short while it is mapped.
class MappedFile {
 public:
  /// Throws Error when the file cannot be opened, is no regular file, or cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::string path_;
};

/// The path of the mapped file that `address` lies in; null when there is none, or too many are
/// mapped to be remembered. Async-signal-safe: who touches a page that the file has lost gets
/// SIGBUS.
const char* mapped_file_at(const void* address) noexcept;

}  // namespace molgen3d
