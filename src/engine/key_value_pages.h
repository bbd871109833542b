// Which key-value pages are free, and how many sequences use each.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace molgen3d {

class KeyValuePages {
 public:
  explicit KeyValuePages(size_t pages);

  size_t total() const { return uses_.size(); }
  size_t free() const { return free_.size(); }

  /// Appends `count` pages, each used once; false (and nothing done) when fewer are free.
  bool allocate(size_t count, std::vector<uint32_t>& pages);
  /// One more user of each page.
  void retain(std::span<const uint32_t> pages);
  /// One user fewer of each page; those without a user are free again.
  void release(std::span<const uint32_t> pages);

 private:
  std::vector<uint32_t> free_;  ///< a stack, so that warm pages are used again first
  std::vector<uint32_t> uses_;
};

}  // namespace molgen3d
