// Device and pinned host memory, streams and events that free themselves.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

#include "engine/cuda/launch.h"

namespace molgen3d::cuda {

/// A plain device allocation.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(size_t bytes, const char* what) : bytes_(bytes) {
    if (bytes > 0) check(cudaMalloc(&data_, bytes), what);
  }
  DeviceMemory(DeviceMemory&& other) noexcept { *this = std::move(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~DeviceMemory() { cudaFree(data_); }

  void* data() const { return data_; }
  size_t size() const { return bytes_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

/// Page-locked host memory, for copies that do not stop the host.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  explicit PinnedMemory(size_t bytes) : bytes_(bytes) {
    check(cudaMallocHost(&data_, bytes), "pinned host memory");
  }
  PinnedMemory(PinnedMemory&& other) noexcept { *this = std::move(other); }
  PinnedMemory& operator=(PinnedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PinnedMemory() { cudaFreeHost(data_); }

  std::byte* data() const { return static_cast<std::byte*>(data_); }
  size_t size() const { return bytes_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

/// A handle of the CUDA runtime that destroys itself; null until created.
template <typename Handle, cudaError_t (*kDestroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (handle_ != nullptr) kDestroy(handle_);
  }
  operator Handle() const { return handle_; }

 protected:
  Handle handle_ = nullptr;
};

/// A stream that does not wait for the default stream.
struct OwnedStream : Owned<cudaStream_t, cudaStreamDestroy> {
  void create() { check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "stream"); }
};
/// An event without a time.
struct OwnedEvent : Owned<cudaEvent_t, cudaEventDestroy> {
  void create() { check(cudaEventCreateWithFlags(&handle_, cudaEventDisableTiming), "event"); }
};

/// Cuts one allocation into aligned parts. Run once without memory it tells the size, and once with
/// memory it hands out the parts: so a plan and the use of it cannot differ.
class Carver {
 public:
  explicit Carver(void* base = nullptr) : base_(static_cast<std::byte*>(base)) {}
  template <typename T>
  void take(T*& pointer, size_t count) {
    pointer = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + used_);
    used_ += (count * sizeof(T) + 255) / 256 * 256;
  }
  size_t used() const { return used_; }

 private:
  std::byte* base_;
  size_t used_ = 0;
};

}  // namespace molgen3d::cuda
