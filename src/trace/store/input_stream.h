// The bytes of a trace file, decompressed, front to back and again later by position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace molgen3d::trace {

/// What a front-to-back read met. Nothing here is fatal: what could be read is used.
struct InputNotes {
  bool gzip = false;
  int members = 0;         ///< gzip members joined
  bool truncated = false;  ///< the compressed stream ends early
  bool corrupt = false;    ///< damaged data or a wrong checksum; bytes before it were used
  bool trailing_garbage = false;
};

/// A file as it was at one moment: another stamp means that somebody has written to it.
struct FileStamp {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t modified_ns = 0, changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

/// A file, or its decompressed content when it starts like gzip (whatever its name).
class InputStream {
 public:
  /// Throws Error when the file cannot be opened or is no regular file.
  explicit InputStream(const std::string& path);
  ~InputStream();
  InputStream(InputStream&&) noexcept;
  InputStream& operator=(InputStream&&) noexcept;

  /// Fills `buffer` with the next bytes; fewer than `size` only at the end. Remembers where to
  /// resume, about every kSnapshotEvery bytes of output.
  size_t read(char* buffer, size_t size);

  /// Bytes given out by read() so far (= size of the text once it returned less than asked).
  uint64_t offset() const;
  const InputNotes& notes() const;
  /// The open file now, whatever its path stands for by now.
  FileStamp stamp() const;

  /// `size` bytes of the text at `offset`, which a complete read() pass has gone over. Inflates at
  /// most kSnapshotEvery bytes per jump; the last few such blocks stay in memory. Returns fewer
  /// bytes past the end or when the file changed meanwhile.
  std::string read_at(uint64_t offset, size_t size);

  static constexpr uint64_t kSnapshotEvery = 16 << 20;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace molgen3d::trace
