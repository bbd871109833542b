// Files that are read whole or mapped: never a FIFO, a device or a directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace molgen3d {

/// True when something stands at `path`, be it a link that leads nowhere: opening it says what is
/// wrong. Does not throw.
bool is_present(const std::filesystem::path& path);
/// As std::filesystem::is_directory, but false where that throws (loops of links, long names).
bool is_directory_there(const std::filesystem::path& path);

/// An open regular file.
class RegularFile {
 public:
  /// Never waits, as opening a FIFO would. Throws Error naming the file and the cause, also when it
  /// is no regular file.
  explicit RegularFile(const std::filesystem::path& path);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  int descriptor() const { return descriptor_; }
  size_t size() const { return size_; }  ///< bytes, when it was opened
  /// The first `most` bytes, or all. Throws Error when it cannot be read or has become shorter.
  std::string read(size_t most = SIZE_MAX) const;
  /// Throws Error when its size or its time of change are no longer those of the opening.
  void require_unchanged() const;

 private:
  std::string path_;
  int descriptor_ = -1;
  size_t size_ = 0;
  int64_t changed_seconds_ = 0, changed_nanoseconds_ = 0;
};

}  // namespace molgen3d
