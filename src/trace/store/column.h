// A growing array for trace columns, or a read-only view of one in a mapped cache file.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace molgen3d::trace {

/// Like a vector of a trivial type, but growth goes through realloc: for arrays of many megabytes
/// that moves page tables instead of bytes and never doubles the memory in use.
template <typename T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Column() = default;
  ~Column() {
    if (owned_) std::free(data_);
  }
  Column(Column&& other) noexcept { swap(other); }
  Column& operator=(Column&& other) noexcept {
    swap(other);
    return *this;
  }
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T* data() const { return data_; }
  T* data() { return data_; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& operator[](size_t i) { return data_[i]; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  size_t bytes() const { return size_ * sizeof(T); }

  void push_back(const T& value) {
    if (size_ == capacity_) reserve(capacity_ + capacity_ / 2 + 1024);
    data_[size_++] = value;
  }
  void reserve(size_t capacity) {
    if (capacity <= capacity_) return;
    void* grown = std::realloc(data_, capacity * sizeof(T));
    if (!grown) throw std::bad_alloc();
    data_ = static_cast<T*>(grown);
    capacity_ = capacity;
  }
  /// New elements are not initialised.
  void resize(size_t size) {
    reserve(size);
    size_ = size;
  }
  void assign(size_t size, T value) {
    resize(size);
    for (size_t i = 0; i < size; ++i) data_[i] = value;
  }
  void shrink() {
    if (!owned_ || size_ == capacity_ || size_ == 0) return;
    if (void* smaller = std::realloc(data_, size_ * sizeof(T))) {
      data_ = static_cast<T*>(smaller);
      capacity_ = size_;
    }
  }
  void clear() { Column().swap(*this); }

  /// Shows memory that somebody else owns; the column must then not grow.
  void view(const T* data, size_t size) {
    clear();
    data_ = const_cast<T*>(data);
    size_ = capacity_ = size;
    owned_ = false;
  }

  void swap(Column& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(owned_, other.owned_);
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool owned_ = true;
};

}  // namespace molgen3d::trace
