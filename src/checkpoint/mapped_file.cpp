#include "checkpoint/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace molgen3d {

MappedFile::MappedFile(const std::filesystem::path& path) : file_(path) {
  if (file_.size() == 0) return;  // an empty file cannot be mapped
  void* const memory = ::mmap(nullptr, file_.size(), PROT_READ, MAP_PRIVATE, file_.descriptor(), 0);
  if (memory == MAP_FAILED) {
    throw Error::format("{}: cannot map {} bytes: {}", path.string(), file_.size(),
                        std::strerror(errno));
  }
  data_ = static_cast<const std::byte*>(memory);
  guard_.emplace(data_, file_.size());
}

MappedFile::~MappedFile() {
  guard_.reset();
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), file_.size());
}

}  // namespace molgen3d
