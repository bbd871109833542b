// A file that grows at its end and can be cut back to an earlier size: what makes runs resumable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace molgen3d {

class AppendFile {
 public:
  /// Starts anew, replacing any other file. Throws Error as all members do: path and cause.
  explicit AppendFile(std::filesystem::path path);
  /// Goes on behind the first `size` bytes of an existing file; the rest is cut off.
  AppendFile(std::filesystem::path path, uint64_t size);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void put(std::string_view bytes);
  /// Everything put so far is on disk afterwards.
  void sync();
  /// Size of the file with everything put so far.
  uint64_t size() const { return written_ + buffer_.size(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  void open(int flags, const char* what);
  void flush();
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::string buffer_;
  uint64_t written_ = 0;
};

}  // namespace molgen3d
