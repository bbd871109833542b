#include "molecule/byte_source.h"

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr std::string_view kXzMagic(
    "\xFD"
    "7zXZ\0",
    6);
constexpr size_t kCompressedBuffer = size_t{1} << 16;
constexpr const char* kTooEarly = "compressed data end too early";

/// zlib passes uncompressed input through, so plain files take this way too.
class GzipSource : public ByteSource {
 public:
  explicit GzipSource(gzFile file) : file_(file) {}

  size_t read(char* buffer, size_t size) override {
    if (!error_.empty()) return 0;
    const int count = gzread(file_.get(), buffer, static_cast<unsigned>(size));
    int code = Z_OK;
    const char* message = gzerror(file_.get(), &code);
    // A truncated gzip stream reports Z_BUF_ERROR with whatever could still be read.
    if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      error_ = code == Z_BUF_ERROR ? kTooEarly : code == Z_ERRNO ? std::strerror(errno) : message;
    }
    return count > 0 ? static_cast<size_t>(count) : 0;
  }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  std::unique_ptr<gzFile_s, Close> file_;
};

class XzSource : public ByteSource {
 public:
  explicit XzSource(int descriptor) : descriptor_(descriptor), input_(kCompressedBuffer) {
    if (lzma_stream_decoder(&stream_, UINT64_MAX, LZMA_CONCATENATED) != LZMA_OK) {
      error_ = "out of memory";
    }
  }
  ~XzSource() override {
    lzma_end(&stream_);
    ::close(descriptor_);
  }

  size_t read(char* buffer, size_t size) override {
    if (!error_.empty() || ended_) return 0;
    stream_.next_out = reinterpret_cast<uint8_t*>(buffer);
    stream_.avail_out = size;
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0 && !at_end_ && !refill()) break;
      const lzma_ret code = lzma_code(&stream_, at_end_ ? LZMA_FINISH : LZMA_RUN);
      if (code == LZMA_OK) continue;
      ended_ = true;
      if (code != LZMA_STREAM_END) {
        error_ = code == LZMA_BUF_ERROR   ? kTooEarly
                 : code == LZMA_MEM_ERROR ? "out of memory"
                                          : "compressed data are corrupt";
      }
      break;
    }
    return size - stream_.avail_out;
  }

 private:
  bool refill() {
    ssize_t count = 0;
    do {
      count = ::read(descriptor_, input_.data(), input_.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
      error_ = std::strerror(errno);
      return false;
    }
    at_end_ = count == 0;
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<size_t>(count);
    return true;
  }

  int descriptor_;
  std::vector<uint8_t> input_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool at_end_ = false;
  bool ended_ = false;
};

bool begins_as_xz(int descriptor) {
  std::array<char, kXzMagic.size()> start{};
  const ssize_t count = ::pread(descriptor, start.data(), start.size(), 0);  // -1 for a pipe
  return count == static_cast<ssize_t>(start.size()) &&
         std::equal(start.begin(), start.end(), kXzMagic.begin());
}

}  // namespace

std::string without_packing(const std::string& path) {
  const bool packed = path.ends_with(".gz") || path.ends_with(".xz");
  return packed ? path.substr(0, path.size() - 3) : path;
}

std::unique_ptr<ByteSource> open_byte_source(const std::string& path) {
  struct stat info {};
  if (path != "-" && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    throw Error::format("{}: is a directory", path);
  }
  const int descriptor =
      path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    throw Error::format("{}: cannot be opened: {}", path, std::strerror(errno));
  }
  if (begins_as_xz(descriptor)) return std::make_unique<XzSource>(descriptor);
  const gzFile file = gzdopen(descriptor, "rb");
  if (file == nullptr) {
    ::close(descriptor);
    throw Error::format("{}: cannot be opened: out of memory", path);
  }
  return std::make_unique<GzipSource>(file);
}

}  // namespace molgen3d
