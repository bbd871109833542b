#include "trace/read/event_scanner.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "trace/read/fixed_point.h"

namespace molgen3d::trace {
namespace {

constexpr size_t kMetadataBytes = 64 << 10;  // longest top-level value that is kept
constexpr uint64_t kWasteAllowance = 1 << 30;

}  // namespace

EventScanner::EventScanner(WindowSource& source, TraceBuilder& builder, const ReadOptions& options)
    : source_(source), builder_(builder), options_(options) {}

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

// The text from p, behind a brace or a value, to the next value. kDone with `value_at` == kNone:
// the event ends, at `next`.
EventScanner::Status EventScanner::read_gap(size_t p, size_t field, FieldTarget& target,
                                            size_t& value_at, size_t& next) {
  const auto fail = [&](size_t at, const char* what) {
    broken_at_ = at;
    broken_what_ = what;
    return Status::kBroken;
  };
  const size_t start = p;
  value_at = kNone;
  p = skip_blanks(p);
  if (p >= valid_) return Status::kMore;
  if (base_[p] == ',' && field > 0) {
    p = skip_blanks(p + 1);
    if (p >= valid_) return Status::kMore;
  } else if (base_[p] != '}' && field > 0) {
    return fail(p, "no comma between two fields");
  }
  if (base_[p] == '}') {
    next = p + 1;
    return Status::kDone;
  }
  if (base_[p] != '"') return fail(p, "a key was expected");
  const size_t key_end = next_bit(index_->quotes, p + 1);
  if (key_end >= valid_) return Status::kMore;
  const std::string_view key(base_ + p + 1, key_end - p - 1);
  p = skip_blanks(key_end + 1);
  if (p >= valid_) return Status::kMore;
  if (base_[p] != ':') return fail(p, "no colon after a key");
  p = skip_blanks(p + 1);
  if (p >= valid_) return Status::kMore;
  target = target_of(key);
  value_at = p;
  layout_.learn(event_.phase, field, {base_ + start, p - start}, target);
  if (field == 0 && first_key_.empty() && key.size() < 32) first_key_ = key;
  return Status::kDone;
}

EventScanner::Status EventScanner::parse_event(size_t start, size_t& next) {
  event_ = RawEvent{};
  event_.offset = offset_of(start);
  size_t p = start + 1;
  for (size_t field = 0;; ++field) {
    FieldTarget target;
    size_t value_at = 0;
    if (const EventLayout::Gap* gap = layout_.expected(event_.phase, field, base_ + p)) {
      target = gap->target;
      value_at = skip_blanks(p + gap->size);
      if (value_at >= valid_) return Status::kMore;
    } else {
      const Status status = read_gap(p, field, target, value_at, next);
      if (status != Status::kDone || value_at == kNone) return status;
    }
    RawValue value;
    const Status status = read_value(value_at, value, p);
    if (status != Status::kDone) return status;
    if (value.type == RawValue::kOther && value.size == 0) {
      broken_at_ = value_at;
      broken_what_ = "a value was expected";
      return Status::kBroken;
    }
    store(event_, target, value);
  }
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
    if (!more && base_[p] == '}') {
      pos_ = p + 1;
      return true;
    }
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
  if (closed) measure_rest();
}

// Text behind the end of the document: a second one, say. It is not read, but not passed over in
// silence either.
void EventScanner::measure_rest() {
  uint64_t first = 0;
  uint64_t stop = 0;
  for (size_t p = pos_;;) {
    if ((p = skip_blanks(p)) < end_) {
      if (stop == 0) first = offset_of(p);
      size_t last = end_;
      while (static_cast<unsigned char>(base_[last - 1]) <= ' ') --last;
      stop = offset_of(last);
    }
    if (window_->last) break;
    valid_ = end_;  // only its size matters: the index need not go on
    state_ = {};
    p = grow(end_);
    if (p == kNone) break;
  }
  if (stop > first) builder_.set_rest(first, stop - first);
}

}  // namespace molgen3d::trace
