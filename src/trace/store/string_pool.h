// Every distinct string of a trace, once. Ids are dense; 0 stands for "no string".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/seeded_hash.h"

namespace molgen3d::trace {

using StringId = uint32_t;

/// Interns strings. Lookups hash raw JSON bytes: a trace of millions of events has about a thousand
/// distinct names, so the table stays in cache and escapes are resolved once per string.
class StringPool {
 public:
  StringPool();
  StringPool(StringPool&&) noexcept = default;
  StringPool& operator=(StringPool&&) noexcept = default;

  /// Id of the string whose JSON spelling (between the quotes) is `raw`.
  StringId intern_json(std::string_view raw) {
    const uint64_t hash = seeded_hash(raw, key_);
    size_t slot = hash & (slots_.size() - 1);
    while (slots_[slot].id != 0) {
      const Slot& s = slots_[slot];
      if (s.hash == hash && s.raw == raw) return s.id;
      slot = (slot + 1) & (slots_.size() - 1);
    }
    return add_raw(raw, hash);
  }

  /// Id of plain text.
  StringId intern(std::string_view text);
  /// Id of plain text, 0 when no event used it.
  StringId find(std::string_view text) const;

  /// Zero-terminated (a NUL inside is possible too, `view` has the real length).
  const char* c_str(StringId id) const { return texts_[id].data(); }
  std::string_view view(StringId id) const { return texts_[id]; }
  size_t size() const { return texts_.size(); }
  /// Memory held by the texts.
  size_t bytes() const { return bytes_; }
  /// Spellings met so far that hold a backslash which JSON does not know; it stays in the text.
  uint64_t invalid_escapes() const { return invalid_escapes_; }

 private:
  struct Slot {
    uint64_t hash = 0;
    std::string_view raw;
    StringId id = 0;
  };
  StringId add_raw(std::string_view raw, uint64_t hash);
  std::string_view keep(std::string_view text);

  HashKey key_ = HashKey::of_process();
  std::vector<Slot> slots_;
  size_t used_ = 0;
  uint64_t invalid_escapes_ = 0;
  std::vector<std::string_view> texts_;
  TextViewMap<StringId> by_text_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_left_ = 0;
  char* block_next_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace molgen3d::trace
