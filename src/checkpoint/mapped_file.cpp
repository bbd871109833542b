#include "checkpoint/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr size_t kRemembered = 256;
std::array<std::atomic<const MappedFile*>, kRemembered> mapped_files;

}  // namespace

const char* mapped_file_at(const void* address) noexcept {
  for (const auto& entry : mapped_files) {
    const MappedFile* file = entry.load();
    if (file == nullptr) continue;
    const auto* begin = file->bytes().data();
    if (address >= begin && address < begin + file->bytes().size()) return file->path().c_str();
  }
  return nullptr;
}

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path.string()) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Error::format("{}: cannot open: {}", path.string(), std::strerror(errno));
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(file);
    throw Error::format("{}: not a regular file", path.string());
  }
  size_ = static_cast<size_t>(status.st_size);
  if (size_ > 0) {  // an empty file cannot be mapped
    void* const memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    const int cause = errno;
    ::close(file);
    if (memory == MAP_FAILED) {
      throw Error::format("{}: cannot map {} bytes: {}", path.string(), size_,
                          std::strerror(cause));
    }
    data_ = static_cast<const std::byte*>(memory);
    for (auto& entry : mapped_files) {
      const MappedFile* free = nullptr;
      if (entry.compare_exchange_strong(free, this)) break;
    }
  } else {
    ::close(file);
  }
}

MappedFile::~MappedFile() {
  for (auto& entry : mapped_files) {
    const MappedFile* self = this;
    if (entry.compare_exchange_strong(self, nullptr)) break;
  }
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace molgen3d
