// Append-only record of finished work, so that an interrupted run can be completed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace molgen3d {

/// A text file: a header line that names the settings, then one JSON line per finished sample.
/// Lines are written whole and synced to disk at most a second after they were appended; a torn
/// last line (power loss, full disk) is cut off on resume.
class Journal {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  /// Starts a new journal. Throws Error if `path` exists (an unfinished run) or cannot be written.
  static Journal create(const std::filesystem::path& path, const Settings& settings);
  /// Opens an unfinished one for appending and hands every complete line to `lines`. Throws Error
  /// that names the first setting which differs from those of the journal.
  static Journal resume(const std::filesystem::path& path, const Settings& settings,
                        std::vector<std::string>& lines);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  ~Journal();

  /// Appends `line` (no newline inside). Throws Error when the disk is full; earlier lines are
  /// safe.
  void append(const std::string& line);
  /// Forces everything appended so far to disk.
  void sync();
  /// The run is complete: closes and deletes the file.
  void remove();

 private:
  Journal(std::filesystem::path path, int descriptor);
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::chrono::steady_clock::time_point last_sync_;
};

}  // namespace molgen3d
