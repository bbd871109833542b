#include "engine/key_value_pages.h"

namespace molgen3d {

KeyValuePages::KeyValuePages(size_t pages) : uses_(pages, 0) {
  free_.reserve(pages);
  for (size_t page = pages; page-- > 0;) free_.push_back(static_cast<uint32_t>(page));
}

bool KeyValuePages::allocate(size_t count, std::vector<uint32_t>& pages) {
  if (count > free_.size()) return false;
  for (size_t i = 0; i < count; ++i) {
    pages.push_back(free_.back());
    uses_[free_.back()] = 1;
    free_.pop_back();
  }
  return true;
}

void KeyValuePages::retain(std::span<const uint32_t> pages) {
  for (const uint32_t page : pages) ++uses_[page];
}

void KeyValuePages::release(std::span<const uint32_t> pages) {
  for (const uint32_t page : pages) {
    if (--uses_[page] == 0) free_.push_back(page);
  }
}

}  // namespace molgen3d
