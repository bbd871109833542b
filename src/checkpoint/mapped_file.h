// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>

#include "base/regular_file.h"
#include "checkpoint/mapping_guard.h"

namespace molgen3d {

/// Pages are read when touched, and shared between processes that open the same file. What a file
/// no longer holds that is cut short meanwhile reads as zeros: ask require_unchanged() afterwards.
class MappedFile {
 public:
  /// Throws Error when the file cannot be opened, is no regular file, or cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, file_.size()}; }
  /// Throws Error when the file has changed since it was opened.
  void require_unchanged() const { file_.require_unchanged(); }

 private:
  RegularFile file_;
  const std::byte* data_ = nullptr;
  std::optional<MappingGuard> guard_;
};

}  // namespace molgen3d
