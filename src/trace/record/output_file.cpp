#include "trace/record/output_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace molgen3d::trace {

struct OutputFile::Deflate {
  z_stream stream{};
  std::vector<unsigned char> buffer = std::vector<unsigned char>(1 << 16);
  ~Deflate() { deflateEnd(&stream); }
};

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) throw Error::format("{}: cannot create the file: {}", path_, std::strerror(errno));
  if (path_.ends_with(".gz")) {
    deflate_ = std::make_unique<Deflate>();
    if (deflateInit2(&deflate_->stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw Error::format("{}: zlib could not start", path_);
    }
  }
}

OutputFile::~OutputFile() {
  try {
    close();
  } catch (const Error&) {
    // Nothing to tell it to: callers that care call close() themselves.
  }
}

void OutputFile::write_raw(const char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd_, data, size);
    if (n < 0) {
      if (errno == EINTR) continue;
      throw Error::format("{}: cannot write: {}", path_, std::strerror(errno));
    }
    data += n;
    size -= static_cast<size_t>(n);
  }
}

void OutputFile::deflate_some(std::string_view bytes, int flush) {
  z_stream& z = deflate_->stream;
  // avail_in is 32 bits wide.
  do {
    const size_t part = std::min<size_t>(bytes.size(), 1u << 30);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(part);
    bytes.remove_prefix(part);
    const int mode = bytes.empty() ? flush : Z_NO_FLUSH;
    do {
      z.next_out = deflate_->buffer.data();
      z.avail_out = static_cast<uInt>(deflate_->buffer.size());
      deflate(&z, mode);
      write_raw(reinterpret_cast<const char*>(deflate_->buffer.data()),
                deflate_->buffer.size() - z.avail_out);
    } while (z.avail_out == 0);
  } while (!bytes.empty());
}

void OutputFile::write(std::string_view bytes) {
  if (deflate_) {
    deflate_some(bytes, Z_NO_FLUSH);
  } else {
    write_raw(bytes.data(), bytes.size());
  }
}

void OutputFile::sync() {
  if (deflate_) deflate_some({}, Z_SYNC_FLUSH);
}

void OutputFile::close() {
  if (fd_ < 0) return;
  const int fd = fd_;
  try {
    if (deflate_) deflate_some({}, Z_FINISH);
  } catch (...) {
    fd_ = -1;
    ::close(fd);
    throw;
  }
  fd_ = -1;
  deflate_.reset();
  if (::close(fd) != 0) throw Error::format("{}: cannot close: {}", path_, std::strerror(errno));
}

}  // namespace molgen3d::trace
