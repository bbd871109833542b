// Walks the structural index of a trace and hands out its events, one pass, front to back.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "trace/read/event_layout.h"
#include "trace/read/raw_event.h"
#include "trace/read/read_options.h"
#include "trace/read/trace_builder.h"
#include "trace/read/window_source.h"

namespace molgen3d::trace {

/// The reading loop. A broken event (stray quote, missing bracket, cut file) is reported to the
/// builder; the scan goes on at the next text that opens an event.
class EventScanner {
 public:
  EventScanner(WindowSource& source, TraceBuilder& builder, const ReadOptions& options);

  /// Scans everything. Throws Error when the text is no trace (`path` is for the message).
  void run(const std::string& path);

 private:
  enum class Status { kDone, kMore, kBroken };
  static constexpr size_t kNone = SIZE_MAX;

  // Text access (event_text.cpp).
  size_t grow(size_t keep);
  size_t grow_in_place(size_t keep);
  size_t index_limit() const;
  void take_window(Window* next, size_t keep);
  bool suspicious_before(size_t from, size_t to);
  size_t skip_blanks(size_t p) const {
    // Most often there is none or one; a fifth to half of a trace's bytes are the others.
    const auto blank = [this](size_t at) { return static_cast<unsigned char>(base_[at]) <= ' '; };
    if (p < end_ && !blank(p)) return p;
    if (p + 1 < end_ && !blank(p + 1)) return p + 1;
    return skip_blank_run(p);
  }
  size_t skip_blank_run(size_t p) const;
  uint64_t offset_of(size_t p) const { return buffer_offset_ + p; }

  // Grammar.
  size_t container_end(size_t open) const;
  size_t scalar_end(size_t p) const;
  Status read_value(size_t p, RawValue& value, size_t& next) const;
  Status read_gap(size_t p, size_t field, FieldTarget& target, size_t& value_at, size_t& next);
  Status parse_event(size_t start, size_t& next);
  void scan_args();
  bool scan_events();
  bool broken(size_t at, std::string what, size_t resume);
  bool scan_top_level();
  bool skip_large_value(size_t open);
  void measure_rest();

  // Recovery (event_text.cpp).
  bool resync(size_t from);
  bool is_event_start(size_t brace, size_t& need) const;
  void restart_index(size_t at);

  WindowSource& source_;
  TraceBuilder& builder_;
  const ReadOptions& options_;

  Window* window_ = nullptr;
  std::vector<char> big_;  // text of an event that outgrew the head room
  StructuralIndex big_index_;
  char* base_ = nullptr;  // buffer in use: the window's or big_
  StructuralIndex* index_ = nullptr;
  uint64_t buffer_offset_ = 0;  // file offset of base_[0], modulo 2^64
  size_t pos_ = 0;
  size_t valid_ = 0;  // indexed so far
  size_t end_ = 0;    // end of the text in the buffer
  IndexState state_;  // at valid_
  bool at_end_ = false;
  uint64_t wasted_ = 0;  // bytes looked at by attempts that failed

  RawEvent event_;
  EventLayout layout_;
  std::string first_key_;  // with which events of this file begin
  std::string broken_what_;
  size_t broken_at_ = 0;
};

}  // namespace molgen3d::trace
