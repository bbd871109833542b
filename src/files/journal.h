// Append-only record of finished work, so that an interrupted run can be completed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace molgen3d {

/// Names and values of everything that decides what a run gives; two runs with equal lists give the
/// same.
using RunIdentity = std::vector<std::pair<std::string, std::string>>;

/// Throws Error naming `place` and the first setting that one list has otherwise than the other:
/// "PLACE: cannot resume: seed was "7", now "8"".
void require_same_identity(const RunIdentity& was, const RunIdentity& is, const std::string& place);

/// A text file: a header line that names the run, then one JSON line per piece of finished work.
/// Every line has a checksum, which depends on the header too. Lines are written whole and synced
/// to disk at most a second after they were appended. The file is locked: one process writes it.
class Journal {
 public:
  enum class Start : uint8_t {
    kNew,        ///< refuse when an unfinished run left finished work
    kResume,     ///< go on where it stopped; start when there is nothing to go on with
    kOverwrite,  ///< forget it
  };
  /// A journal that is empty, or whose header is torn, is none: nothing had been finished. Throws
  /// Error when `path` is no regular file or cannot be written, another process writes it, the file
  /// is no journal or damaged in its header, it is of another version, or names another run.
  static Journal open(const std::filesystem::path& path, Start start, const RunIdentity& identity);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  /// Without remove(): leaves the file on disk, but removes one in which nothing was finished.
  ~Journal();

  /// The lines of the run that is resumed, whole and undamaged ones only; to be taken once.
  std::vector<std::string> take_lines() { return std::move(lines_); }
  /// How many lines were damaged: their work is to be done again.
  size_t damaged() const { return damaged_; }

  /// Appends `line`, a JSON object without line breaks. Throws Error when the disk is full; earlier
  /// lines are safe.
  void append(const std::string& line);
  /// Forces everything appended so far to disk.
  void sync();
  /// The run is complete: deletes the file, if it still is this one, and closes it.
  void remove();

 private:
  Journal(std::filesystem::path path, int descriptor);
  void begin(const RunIdentity& identity);
  void take(const std::string& text);
  void write(const std::string& text);
  void unlink_own() const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;  ///< bytes of whole lines
  uint64_t seed_ = 0;  ///< of the lines' checksums
  bool has_lines_ = false;
  std::vector<std::string> lines_;
  size_t damaged_ = 0;
  std::chrono::steady_clock::time_point last_sync_;
};

}  // namespace molgen3d
