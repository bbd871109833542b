// A file or standard output, written through zlib when the name ends in .gz.
#pragma once

#include <zlib.h>

#include <string>

namespace molgen3d {

/// A file that is whole whenever it stands under its own name: it is written as PATH.partial, and
/// close() puts it on disk and in its place. A run that ends before leaves an older file as it was.
/// A PATH.partial that a killed run left is used again. Standard output, devices and pipes are
/// written to directly. Every failed write (full disk, closed pipe) throws Error naming the file
/// and the cause.
class OutputFile {
 public:
  /// Empty or `-`: standard output. Throws Error when the file cannot be created, another process
  /// is writing it, or its name asks for a compression other than .gz. A FIFO is given 5 s to get a
  /// reader.
  explicit OutputFile(const std::string& path);
  /// Removes what was written, unless close() or keep() was called.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const std::string& text);
  /// Hands everything written so far to the system.
  void flush();
  void close();
  /// Instead of close(), when the work was stopped: what is written so far stays, as PATH.partial.
  /// Returns that name; empty when nothing stays under another name.
  std::string keep();

 private:
  [[noreturn]] void fail(const char* what);
  void open_partial();
  void open_special(const std::string& path);
  void start(int descriptor, bool compress);
  /// Ends the stream; what was written is on disk afterwards.
  void finish();

  std::string name_;
  std::string target_;   ///< of an ordinary file, links followed; else empty
  std::string partial_;  ///< its name while it is written; empty when there is none to remove
  gzFile file_ = nullptr;
  int lock_ = -1;  ///< of the partial file: holds its lock, and outlives the stream
};

/// Writes `text` to `path` as an OutputFile does.
void write_file(const std::string& path, const std::string& text);

}  // namespace molgen3d
