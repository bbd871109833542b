#include "trace/event_scanner.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "trace/fixed_point.h"

namespace molgen3d::trace {
namespace {

constexpr size_t kFirstStep = 4096;          // bytes indexed at once after a broken event
constexpr size_t kMetadataBytes = 64 << 10;  // longest top-level value that is kept
constexpr uint64_t kWasteAllowance = 1 << 30;
constexpr std::array<std::string_view, 9> kEventKeys = {"ph", "name", "cat", "pid", "tid",
                                                        "ts", "dur",  "id",  "args"};

}  // namespace

EventScanner::EventScanner(WindowSource& source, TraceBuilder& builder, const ReadOptions& options)
    : source_(source), builder_(builder), options_(options) {}

// ---------------------------------------------------------------- text access

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

// First byte above ' ' at or after p (control characters and NUL count as blanks), or end_.
size_t EventScanner::skip_blank_run(size_t p) const {
#ifdef __SSE2__
  const __m128i above = _mm_set1_epi8(' ' + 1);
  for (; p < end_; p += 16) {  // 64 readable bytes follow end_
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(base_ + p));
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(bytes, above), bytes));
    if (mask != 0) return std::min(end_, p + static_cast<size_t>(__builtin_ctz(mask)));
  }
  return end_;
#else
  while (p < end_ && static_cast<unsigned char>(base_[p]) <= ' ') ++p;
  return p;
#endif
}

// ---------------------------------------------------------------- grammar

size_t EventScanner::container_end(size_t open) const {
  size_t depth = 1;
  size_t p = open;
  while (depth > 0) {
    p = next_bit(index_->brackets, p + 1);
    if (p >= valid_) return kNone;
    depth += (base_[p] | 0x20) == '{' ? 1 : -1;
  }
  return p;
}

size_t EventScanner::scalar_end(size_t p) const {
  while (p < end_) {
    const char c = base_[p];
    if (c == ',' || c == '}' || c == ']' || static_cast<unsigned char>(c) <= ' ') break;
    ++p;
  }
  return p;
}

EventScanner::Status EventScanner::read_value(size_t p, RawValue& value, size_t& next) const {
  const char c = base_[p];
  size_t stop = 0;
  if (c == '"') {
    stop = next_bit(index_->quotes, p + 1);
    if (stop >= valid_) return Status::kMore;
    value = {base_ + p + 1, stop - p - 1, RawValue::kString};
    next = stop + 1;
    return Status::kDone;
  }
  if (c == '{' || c == '[') {
    stop = container_end(p);
    if (stop == kNone) return Status::kMore;
    value = {base_ + p, stop + 1 - p, RawValue::kOther};
    next = stop + 1;
    return Status::kDone;
  }
  stop = scalar_end(p);
  if (stop >= valid_) return Status::kMore;
  value = {base_ + p, stop - p, RawValue::kOther};
  next = stop;
  return Status::kDone;
}

void EventScanner::store_field(std::string_view key, const RawValue& value) {
  switch (key.size()) {
    case 1:
      if (key[0] == 's') event_.scope = value;
      break;
    case 2:
      if (key[0] == 'p' && key[1] == 'h') {
        event_.phase = value.type == RawValue::kString && value.size == 1 ? value.text[0] : 0;
      } else if (key[0] == 't' && key[1] == 's') {
        event_.ts = value;
      } else if (key[0] == 'i' && key[1] == 'd') {
        event_.id = value;
      } else if (key[0] == 'b' && key[1] == 'p') {
        event_.bind_point = value;
      }
      break;
    case 3:
      if (key == "cat") {
        event_.category = value;
      } else if (key == "pid") {
        event_.pid = value;
      } else if (key == "tid") {
        event_.tid = value;
      } else if (key == "dur") {
        event_.dur = value;
      } else if (key == "id2") {
        event_.id2 = value;
      }
      break;
    case 4:
      if (key == "name") {
        event_.name = value;
      } else if (key == "args" && value.type == RawValue::kOther && value.text[0] == '{') {
        event_.args = value;
      }
      break;
    case 7:
      if (key == "bind_id") {
        event_.bind_id = value;
      } else if (key == "flow_in") {
        event_.flow_in = value;
      }
      break;
    case 8:
      if (key == "flow_out") event_.flow_out = value;
      break;
    default:
      break;
  }
}

EventScanner::Status EventScanner::parse_event(size_t start, size_t& next) {
  auto fail = [&](size_t at, const char* what) {
    broken_at_ = at;
    broken_what_ = what;
    return Status::kBroken;
  };
  event_ = RawEvent{};
  event_.offset = offset_of(start);
  bool first = true;
  size_t p = skip_blanks(start + 1);
  for (;;) {
    if (p >= valid_) return Status::kMore;
    if (base_[p] == '}') break;
    if (base_[p] != '"') return fail(p, "a key was expected");
    const size_t key_end = next_bit(index_->quotes, p + 1);
    if (key_end >= valid_) return Status::kMore;
    const std::string_view key(base_ + p + 1, key_end - p - 1);
    p = skip_blanks(key_end + 1);
    if (p >= valid_) return Status::kMore;
    if (base_[p] != ':') return fail(p, "no colon after a key");
    p = skip_blanks(p + 1);
    if (p >= valid_) return Status::kMore;
    RawValue value;
    const Status status = read_value(p, value, next);
    if (status != Status::kDone) return status;
    if (value.type == RawValue::kOther && value.size == 0) return fail(p, "a value was expected");
    store_field(key, value);
    if (first && first_key_.empty() && key.size() < 32) first_key_ = key;
    first = false;
    p = skip_blanks(next);
    if (p >= valid_) return Status::kMore;
    if (base_[p] == ',') {
      p = skip_blanks(p + 1);
    } else if (base_[p] != '}') {
      return fail(p, "no comma between two fields");
    }
  }
  next = p + 1;
  return Status::kDone;
}

// The two numbers that reports and joins need, from the top level of args.
void EventScanner::scan_args() {
  size_t p = static_cast<size_t>(event_.args.text - base_) + 1;
  const size_t stop = p + event_.args.size - 2;
  const ArgsWanted wanted = builder_.args_wanted(event_);
  if (wanted == ArgsWanted::kNothing) return;
  bool need_correlation = true;
  bool need_bytes = wanted == ArgsWanted::kCorrelationAndBytes;
  while (need_correlation || need_bytes) {
    p = next_bit(index_->quotes, p);
    if (p >= stop) return;
    const size_t key_end = next_bit(index_->quotes, p + 1);
    if (key_end >= stop) return;
    const std::string_view key(base_ + p + 1, key_end - p - 1);
    p = skip_blanks(key_end + 1);
    if (p >= stop || base_[p] != ':') return;
    p = skip_blanks(p + 1);
    if (p >= stop) return;
    RawValue value;
    size_t next = 0;
    if (base_[p] == '"' || base_[p] == '{' || base_[p] == '[') {
      if (read_value(p, value, next) != Status::kDone || next > stop) return;
    } else {
      value = {base_ + p, scalar_end(p) - p, RawValue::kOther};
      next = p + value.size;
    }
    if (need_correlation && key == "correlation") {
      if (const auto number = parse_integer(value.view())) event_.correlation = *number;
      need_correlation = false;
    } else if (need_bytes && key == "bytes") {
      if (const auto number = parse_integer(value.view())) event_.bytes = *number;
      need_bytes = false;
    }
    p = next;
  }
}

// Events up to the closing bracket. False: the text ended first.
bool EventScanner::scan_events() {
  for (;;) {
    size_t p = skip_blanks(pos_);
    while (p < valid_ && base_[p] == ',') p = skip_blanks(p + 1);
    if (p >= valid_) {
      p = grow(std::min(p, valid_));
      if (p == kNone) return false;
      pos_ = p;
      continue;
    }
    if (base_[p] == ']') {
      pos_ = p + 1;
      return true;
    }
    if (base_[p] != '{') {
      if (!broken(p, "no event where one was expected", p)) return false;
      continue;
    }
    size_t next = 0;
    Status status = parse_event(p, next);
    // A stray quote shows as text beside a string; what was parsed across it is not to be trusted.
    const size_t seen = status == Status::kDone ? next : status == Status::kMore ? valid_ : p;
    if (!index_->suspicious.empty() && suspicious_before(p, seen)) {
      status = Status::kBroken;
      broken_what_ = "a quote inside a string";
      broken_at_ = p;
    }
    if (status == Status::kDone) {
      if (event_.args.size > 2) {
        event_.args_ref = make_args_ref(offset_of(static_cast<size_t>(event_.args.text - base_)),
                                        event_.args.size);
        if (event_.phase == 'X') scan_args();
      }
      if (skip_blanks(p + 1) + 1 != next) builder_.add(event_);  // `{}` is nothing
      pos_ = next;
      if (builder_.full()) return false;
      continue;
    }
    if (status == Status::kMore) {
      if (valid_ - p <= options_.max_event_bytes) {
        const size_t moved = grow(p);
        if (moved != kNone) {
          pos_ = moved;
          continue;
        }
        broken_what_ = "the file ends inside an event";
      } else {
        broken_what_ = "an event longer than the limit";
      }
      wasted_ += valid_ - p;
    }
    // Look again right behind its start, unless a hostile file made that too costly already.
    const bool thorough = wasted_ < kWasteAllowance + 4 * offset_of(p);
    if (!broken(p, broken_what_, thorough ? p + 1 : valid_)) return false;
  }
}

bool EventScanner::broken(size_t at, std::string what, size_t resume) {
  const size_t shown = std::min<size_t>(end_ - at, 80);
  builder_.add_issue(offset_of(at), std::move(what), {base_ + at, shown});
  return resync(resume);
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

// ---------------------------------------------------------------- top level

// Passes a value too large to keep. `open` is its first bracket; false at the end of the text.
bool EventScanner::skip_large_value(size_t open) {
  size_t depth = 0;
  size_t outside = open;  // no string is open here
  for (;;) {
    const size_t p = next_bit(index_->brackets, outside);
    if (p >= valid_) {
      if (valid_ - outside > options_.max_event_bytes) return false;
      outside = grow(outside);
      if (outside == kNone) return false;
      continue;
    }
    depth += (base_[p] | 0x20) == '{' ? 1 : -1;
    outside = p + 1;
    if (depth == 0) {
      pos_ = outside;
      return true;
    }
  }
}

// The object around traceEvents. False: the text ended before its brace.
bool EventScanner::scan_top_level() {
  for (;;) {
    size_t p = skip_blanks(pos_);
    while (p < valid_ && base_[p] == ',') p = skip_blanks(p + 1);
    size_t key_end = 0;
    size_t value_at = 0;
    bool more = p >= valid_;
    if (!more && base_[p] == '}') return true;
    if (!more && base_[p] != '"') {
      builder_.add_issue(offset_of(p), "a top-level key was expected",
                         {base_ + p, std::min<size_t>(end_ - p, 80)});
      return false;
    }
    if (!more) {
      key_end = next_bit(index_->quotes, p + 1);
      more = key_end >= valid_;
    }
    if (!more) {
      value_at = skip_blanks(key_end + 1);
      if (value_at < valid_ && base_[value_at] == ':') value_at = skip_blanks(value_at + 1);
      more = value_at >= valid_;
    }
    if (more) {
      if (valid_ - std::min(p, valid_) > options_.max_event_bytes) return false;
      pos_ = grow(std::min(p, valid_));
      if (pos_ == kNone) return false;
      continue;
    }
    const std::string key(base_ + p + 1, key_end - p - 1);
    if (key == "traceEvents" && base_[value_at] == '[') {
      builder_.set_events_found();
      pos_ = value_at + 1;
      if (!scan_events()) return false;
      continue;
    }
    RawValue value;
    size_t next = 0;
    if (read_value(value_at, value, next) == Status::kDone) {
      if (value.size <= kMetadataBytes) {
        const size_t quote = value.type == RawValue::kString ? 1 : 0;
        builder_.add_metadata(key, {value.text - quote, value.size + 2 * quote});
      }
      pos_ = next;
      if (value.size == 0) ++pos_;
      continue;
    }
    const bool container = base_[value_at] == '{' || base_[value_at] == '[';
    if (container && valid_ - value_at > kMetadataBytes) {
      if (!skip_large_value(value_at)) return false;
      continue;
    }
    if (valid_ - p > options_.max_event_bytes) return false;
    pos_ = grow(p);
    if (pos_ == kNone) return false;
  }
}

void EventScanner::run(const std::string& path) {
  pos_ = grow(0);
  if (pos_ == kNone) throw Error::format("{}: the file is empty", path);
  if (end_ - pos_ >= 3 && std::memcmp(base_ + pos_, "\xEF\xBB\xBF", 3) == 0) pos_ += 3;
  for (;;) {
    pos_ = skip_blanks(pos_);
    if (pos_ < valid_) break;
    pos_ = grow(valid_);
    if (pos_ == kNone) throw Error::format("{}: the file is empty", path);
  }
  const char c = base_[pos_];
  if (c != '[' && c != '{') {
    throw Error::format("{}: no trace: {} where '{{' or '[' was expected", path,
                        in_quotes({base_ + pos_, std::min<size_t>(end_ - pos_, 40)}));
  }
  ++pos_;
  bool closed = false;
  if (c == '[') {
    builder_.set_bare_array();
    builder_.set_events_found();
    closed = scan_events();
  } else {
    closed = scan_top_level();
  }
  builder_.set_closed(closed);
}

}  // namespace molgen3d::trace
