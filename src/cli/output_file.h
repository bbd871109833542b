// A file or standard output, written through zlib when the name ends in .gz.
#pragma once

#include <zlib.h>

#include <string>

namespace molgen3d {

/// Every failed write (full disk, closed pipe) throws Error naming the file and the cause.
class OutputFile {
 public:
  /// Empty or `-`: standard output. An existing file is replaced.
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const std::string& text);
  /// Hands everything written so far to the system.
  void flush();
  /// Flushes and closes; call it to learn of late errors.
  void close();

 private:
  [[noreturn]] void fail(const char* what);
  std::string name_;
  gzFile file_ = nullptr;
};

}  // namespace molgen3d
