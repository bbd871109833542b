// A file written front to back, gzip-compressed when its name says so.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace molgen3d::trace {

/// Appends to a new file; names that end in ".gz" are compressed (level 1, one gzip member).
/// Every member but the destructor throws Error, naming the file, when the disk refuses.
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  ~OutputFile();  ///< closes; errors are lost, so call close() first
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  /// Pushes everything so far to the operating system, so that a crash later leaves it readable.
  void sync();
  void close();

 private:
  struct Deflate;
  void write_raw(const char* data, size_t size);
  void deflate_some(std::string_view bytes, int flush);

  std::string path_;
  int fd_ = -1;
  std::unique_ptr<Deflate> deflate_;
};

}  // namespace molgen3d::trace
