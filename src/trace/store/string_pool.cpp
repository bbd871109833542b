#include "trace/store/string_pool.h"

#include <cstring>

#include "base/error.h"
#include "base/json_text.h"

namespace molgen3d::trace {
namespace {

constexpr size_t kBlock = 1 << 18;

}  // namespace

StringPool::StringPool() : slots_(4096) {
  texts_.push_back(keep(""));
}

std::string_view StringPool::keep(std::string_view text) {
  const size_t need = text.size() + 1;
  bytes_ += need;
  char* place = nullptr;
  if (need > kBlock / 4) {
    blocks_.push_back(std::make_unique<char[]>(need));
    place = blocks_.back().get();
  } else {
    if (need > block_left_) {
      blocks_.push_back(std::make_unique<char[]>(kBlock));
      block_next_ = blocks_.back().get();
      block_left_ = kBlock;
    }
    place = block_next_;
    block_next_ += need;
    block_left_ -= need;
  }
  if (!text.empty()) std::memcpy(place, text.data(), text.size());
  place[text.size()] = '\0';
  return {place, text.size()};
}

StringId StringPool::intern(std::string_view text) {
  if (auto it = by_text_.find(text); it != by_text_.end()) return it->second;
  if (texts_.size() >= UINT32_MAX) throw Error("more than 4 billion distinct strings");
  const auto id = static_cast<StringId>(texts_.size());
  texts_.push_back(keep(text));
  by_text_.emplace(texts_.back(), id);
  return id;
}

StringId StringPool::find(std::string_view text) const {
  const auto it = by_text_.find(text);
  return it == by_text_.end() ? 0 : it->second;
}

StringId StringPool::add_raw(std::string_view raw, uint64_t hash) {
  const bool escaped = raw.find('\\') != std::string_view::npos;
  size_t invalid = 0;
  const StringId id = escaped ? intern(unescape_json(raw, &invalid)) : intern(raw);
  invalid_escapes_ += invalid > 0;
  if (++used_ * 2 > slots_.size()) {
    std::vector<Slot> bigger(slots_.size() * 2);
    for (const Slot& s : slots_) {
      if (s.id == 0) continue;
      size_t slot = s.hash & (bigger.size() - 1);
      while (bigger[slot].id != 0) slot = (slot + 1) & (bigger.size() - 1);
      bigger[slot] = s;
    }
    slots_.swap(bigger);
  }
  size_t slot = hash & (slots_.size() - 1);
  while (slots_[slot].id != 0) slot = (slot + 1) & (slots_.size() - 1);
  slots_[slot] = {hash, escaped ? keep(raw) : texts_[id], id};
  return id;
}

}  // namespace molgen3d::trace
