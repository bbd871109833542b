#include "files/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "files/file_lock.h"
#include "files/file_roles.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

constexpr unsigned kBuffer = 1U << 17;
constexpr size_t kLargestWrite = size_t{1} << 30;
constexpr std::chrono::seconds kReaderPatience{5};
constexpr std::chrono::milliseconds kReaderPause{20};

// Without a reader, opening a FIFO would wait for ever.
int open_for_reader(const std::string& path) {
  const auto end = std::chrono::steady_clock::now() + kReaderPatience;
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_TRUNC | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0) {
      ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
      return descriptor;
    }
    if (errno != ENXIO || std::chrono::steady_clock::now() > end) return -1;
    std::this_thread::sleep_for(kReaderPause);
  }
}

// Makes a rename last; file systems that cannot do this have nothing to lose by it.
void sync_folder(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : name_(path) {
  without_gzip(path);
  if (means_standard_output(path)) {
    name_ = "standard output";
    const int descriptor = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0) fail("write");
    start(descriptor, false);
  } else if (makes_a_file(path)) {
    target_ = link_target(path).string();
    open_partial();
  } else {
    open_special(path);
  }
}

OutputFile::~OutputFile() {
  if (file_ != nullptr) gzclose(file_);
  if (!partial_.empty()) ::unlink(partial_.c_str());
  if (lock_ >= 0) ::close(lock_);
}

void OutputFile::open_partial() {
  const std::string partial = target_ + ".partial";
  lock_ = open_locked(partial, O_WRONLY);
  partial_ = partial;
  struct stat old {};
  // The file that is replaced keeps its permissions.
  if (::stat(target_.c_str(), &old) == 0) ::fchmod(lock_, old.st_mode & 07777);
  if (::ftruncate(lock_, 0) != 0) fail("write");
  const int descriptor = ::fcntl(lock_, F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) fail("write");
  start(descriptor, name_.ends_with(".gz"));
}

void OutputFile::open_special(const std::string& path) {
  const int descriptor = open_for_reader(path);
  if (descriptor < 0 && errno == ENXIO)
    throw Error::format("{}: cannot write: no process reads this FIFO", name_);
  if (descriptor < 0) fail("create");
  start(descriptor, path.ends_with(".gz"));
}

void OutputFile::start(int descriptor, bool compress) {
  // "T": zlib passes the bytes through unchanged.
  file_ = gzdopen(descriptor, compress ? "wb6" : "wbT");
  if (file_ == nullptr) {
    ::close(descriptor);
    throw Error::format("{}: cannot write: out of memory", name_);
  }
  gzbuffer(file_, kBuffer);
}

void OutputFile::fail(const char* what) {
  throw Error::format("{}: cannot {}: {}", name_, what, std::strerror(errno));
}

void OutputFile::write(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    errno = 0;
    const size_t part = std::min(text.size() - done, kLargestWrite);
    if (gzwrite(file_, text.data() + done, static_cast<unsigned>(part)) <= 0) fail("write");
    done += part;
  }
}

void OutputFile::flush() {
  errno = 0;
  if (gzflush(file_, Z_SYNC_FLUSH) != Z_OK) fail("write");
}

void OutputFile::finish() {
  errno = 0;
  gzFile file = file_;
  file_ = nullptr;
  if (file != nullptr && gzclose(file) != Z_OK) fail("write");
  if (lock_ >= 0 && !sync_to_disk(lock_)) fail("sync");
}

void OutputFile::close() {
  finish();
  if (target_.empty() || partial_.empty()) return;
  if (::rename(partial_.c_str(), target_.c_str()) != 0) fail("put in place");
  partial_.clear();
  sync_folder(target_);
  ::close(lock_);
  lock_ = -1;
}

std::string OutputFile::keep() {
  finish();
  std::string kept = std::move(partial_);
  partial_.clear();
  if (lock_ >= 0) ::close(lock_);
  lock_ = -1;
  return kept.empty() ? kept : name_ + ".partial";
}

void write_file(const std::string& path, const std::string& text) {
  OutputFile file(path);
  file.write(text);
  file.close();
}

}  // namespace molgen3d
