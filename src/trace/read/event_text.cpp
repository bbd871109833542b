// The buffer that events are read from, and how reading goes on after a broken one.
#include <algorithm>
#include <array>
#include <cstring>

#include "trace/read/event_scanner.h"

namespace molgen3d::trace {
namespace {

constexpr size_t kFirstStep = 4096;  // bytes indexed at once after a broken event
constexpr std::array<std::string_view, 9> kEventKeys = {"ph", "name", "cat", "pid", "tid",
                                                        "ts", "dur",  "id",  "args"};

}  // namespace

// Makes `next` the buffer in use, with the text from `keep` on in front of its data.
void EventScanner::take_window(Window* next, size_t keep) {
  const size_t tail = end_ - keep;
  const bool state_known = valid_ == end_;
  if (tail > kHeadRoom - 64) {
    // A long event: collect it in a buffer of its own, indexing only what is new.
    const bool fresh = base_ != big_.data();
    if (fresh) {
      big_.assign(base_ + keep, base_ + end_);
    } else if (keep > 0) {
      big_.erase(big_.begin(), big_.begin() + static_cast<std::ptrdiff_t>(keep));
    }
    big_.resize(tail);
    big_.insert(big_.end(), next->buffer.get() + kHeadRoom,
                next->buffer.get() + kHeadRoom + next->size + 64);
    const size_t indexed = fresh || keep > 0 ? 0 : (valid_ & ~size_t{63});
    const size_t words = (big_.size() + 63) / 64 + 2;
    if (indexed == 0) {
      big_index_.suspicious.clear();
      state_ = {};
      valid_ = 0;
    }
    big_index_.quotes.resize(words);
    big_index_.brackets.resize(words);
    big_index_.quotes[words - 1] = big_index_.brackets[words - 1] = ~uint64_t{0};
    base_ = big_.data();
    index_ = &big_index_;
    window_ = next;
    end_ = big_.size() - 64;
    buffer_offset_ = next->offset - tail;
    if (valid_ < index_limit()) index_structure(base_, valid_, index_limit(), state_, *index_);
    valid_ = index_limit();
    return;
  }
  const size_t data_end = kHeadRoom + next->size;
  char* base = next->buffer.get();
  const size_t start = kHeadRoom - tail;
  if (tail > 0) std::memcpy(base + start, base_ + keep, tail);
  IndexState state;
  if (tail > 0) {
    const size_t aligned = start & ~size_t{63};
    std::memset(base + aligned, ' ', start - aligned);
    std::vector<size_t> later;
    later.swap(next->index.suspicious);
    index_structure(base, aligned, kHeadRoom, state, next->index);
    next->index.suspicious.insert(next->index.suspicious.end(), later.begin(), later.end());
  } else if (state_known && window_ != nullptr) {
    state = state_;
  }
  if (state == next->before) {
    state = next->after;
  } else {
    // The reading thread followed another quote than the events do: a stray one came before.
    std::erase_if(next->index.suspicious, [](size_t p) { return p >= kHeadRoom; });
    index_structure(base, kHeadRoom, data_end, state, next->index);
  }
  window_ = next;
  base_ = base;
  index_ = &next->index;
  buffer_offset_ = next->offset - kHeadRoom;
  state_ = state;
  valid_ = end_ = data_end;
}

// More indexed text while base_[keep] and what follows stays. Returns where it is now, kNone at the
// end of the file. `keep` must lie outside strings, or the caller restarts the index.
size_t EventScanner::grow(size_t keep) {
  if (valid_ < index_limit()) return grow_in_place(keep);
  if (window_ != nullptr && window_->last) {
    at_end_ = true;
    return kNone;
  }
  Window* next = source_.next();
  if (next == nullptr) {
    at_end_ = true;
    return kNone;
  }
  builder_.set_progress(next->offset);
  if (window_ == nullptr) {
    take_window(next, 0);
    return kHeadRoom;
  }
  const size_t tail = end_ - keep;
  take_window(next, keep);
  return end_ - next->size - tail;
}

size_t EventScanner::grow_in_place(size_t keep) {
  const size_t step = std::max(kFirstStep, valid_ - std::min(keep, valid_));
  const size_t to = std::min(index_limit(), valid_ + ((step + 63) & ~size_t{63}));
  index_structure(base_, valid_, to, state_, *index_);
  valid_ = to;
  return keep;
}

// Whole blocks only while text follows, so that the state at the end stays known.
size_t EventScanner::index_limit() const {
  if (window_ == nullptr) return 0;
  return window_->last ? end_ : end_ & ~size_t{63};
}

bool EventScanner::suspicious_before(size_t from, size_t to) {
  for (const size_t p : index_->suspicious) {
    if (p >= to) return false;
    if (p >= from) return true;
  }
  return false;
}

// ---------------------------------------------------------------- recovery

// Does base_[brace] open an event? `need` is set to where the text ended if that is undecided.
bool EventScanner::is_event_start(size_t brace, size_t& need) const {
  need = 0;
  size_t before = brace;
  while (before > 0 && static_cast<unsigned char>(base_[before - 1] - 1) < ' ') --before;
  if (before > 0 && base_[before - 1] == ':') return false;  // the value of a key
  size_t p = skip_blanks(brace + 1);
  if (p < end_ && base_[p] != '"') return false;
  ++p;
  const size_t stop = std::min(end_, p + 40);
  size_t key_end = p;
  while (key_end < stop && base_[key_end] != '"') ++key_end;
  if (key_end >= end_) {
    need = end_;
    return false;
  }
  if (key_end == stop) return false;
  const std::string_view key(base_ + p, key_end - p);
  const size_t colon = skip_blanks(key_end + 1);
  if (colon >= end_) {
    need = end_;
    return false;
  }
  if (base_[colon] != ':') return false;
  if (!first_key_.empty()) return key == first_key_;
  return std::find(kEventKeys.begin(), kEventKeys.end(), key) != kEventKeys.end();
}

void EventScanner::restart_index(size_t at) {
  const size_t aligned = at & ~size_t{63};
  std::memset(base_ + aligned, ' ', at - aligned);
  state_ = {};
  index_->suspicious.clear();
  valid_ = std::min(aligned, index_limit());
  grow_in_place(valid_);
}

// Finds the next event start at or after `from`. False at the end of the text.
bool EventScanner::resync(size_t from) {
  for (;;) {
    while (from < end_) {
      const void* found = std::memchr(base_ + from, '{', end_ - from);
      if (found == nullptr) {
        from = end_;
        break;
      }
      const size_t brace = static_cast<size_t>(static_cast<const char*>(found) - base_);
      size_t need = 0;
      if (is_event_start(brace, need)) {
        restart_index(brace);
        pos_ = brace;
        return true;
      }
      from = need != 0 ? brace : brace + 1;
      if (need != 0) break;
    }
    if (window_->last) return false;
    if (end_ - from > options_.max_event_bytes) from = end_;
    valid_ = end_;  // the index is of no use any more: restart_index() makes a new one
    state_ = {};
    const size_t moved = grow(from);
    if (moved == kNone) return false;
    from = moved;
  }
}

}  // namespace molgen3d::trace
