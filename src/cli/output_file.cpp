#include "cli/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr unsigned kBuffer = 1U << 17;

}  // namespace

OutputFile::OutputFile(const std::string& path) : name_(path) {
  const bool standard = path.empty() || path == "-";
  if (standard) name_ = "standard output";
  const int descriptor = standard
                             ? ::dup(STDOUT_FILENO)
                             : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) throw Error::format("{}: cannot create: {}", name_, std::strerror(errno));
  // "T": zlib passes the bytes through unchanged.
  const bool compress = !standard && path.size() > 3 && path.ends_with(".gz");
  file_ = gzdopen(descriptor, compress ? "wb6" : "wbT");
  if (file_ == nullptr) {
    ::close(descriptor);
    throw Error::format("{}: cannot write: out of memory", name_);
  }
  gzbuffer(file_, kBuffer);
}

OutputFile::~OutputFile() {
  if (file_ != nullptr) gzclose(file_);
}

void OutputFile::fail(const char* what) {
  throw Error::format("{}: cannot {}: {}", name_, what, std::strerror(errno));
}

void OutputFile::write(const std::string& text) {
  errno = 0;
  if (!text.empty() && gzwrite(file_, text.data(), static_cast<unsigned>(text.size())) <= 0)
    fail("write");
}

void OutputFile::flush() {
  errno = 0;
  if (gzflush(file_, Z_SYNC_FLUSH) != Z_OK) fail("write");
}

void OutputFile::close() {
  errno = 0;
  gzFile file = file_;
  file_ = nullptr;
  if (file != nullptr && gzclose(file) != Z_OK) fail("write");
}

}  // namespace molgen3d
