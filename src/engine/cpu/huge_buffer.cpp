#include "engine/cpu/huge_buffer.h"

#include <sys/mman.h>

#include <utility>

#include "base/error.h"

namespace molgen3d::cpu {

HugeBuffer::HugeBuffer(size_t bytes, const char* what) : size_(bytes) {
  if (bytes == 0) return;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error::format("cpu: no memory for {} ({:.1f} MiB)", what,
                        static_cast<double>(bytes) / (1 << 20));
  }
  data_ = static_cast<std::byte*>(memory);
#if defined(MADV_HUGEPAGE)
  if (bytes >= size_t{2} << 20) madvise(memory, bytes, MADV_HUGEPAGE);  // a wish; may be refused
#endif
}

HugeBuffer::~HugeBuffer() {
  if (data_ != nullptr) munmap(data_, size_);
}

HugeBuffer::HugeBuffer(HugeBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

HugeBuffer& HugeBuffer::operator=(HugeBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace molgen3d::cpu
