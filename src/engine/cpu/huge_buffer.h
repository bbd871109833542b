// Zero-filled memory on huge pages where the system has them: weights and key-value pages are read
// once per step in long streams, and with 4 KiB pages the address translation shows.
#pragma once

#include <cstddef>

namespace molgen3d::cpu {

class HugeBuffer {
 public:
  HugeBuffer() = default;
  /// Throws Error naming `what` and the size when the system has no such memory.
  HugeBuffer(size_t bytes, const char* what);
  ~HugeBuffer();
  HugeBuffer(HugeBuffer&& other) noexcept;
  HugeBuffer& operator=(HugeBuffer&& other) noexcept;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace molgen3d::cpu
