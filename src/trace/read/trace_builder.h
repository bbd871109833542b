// Turns raw events into the columns and tables of a Trace.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/seeded_hash.h"
#include "trace/read/nesting.h"
#include "trace/read/raw_event.h"
#include "trace/read/read_options.h"
#include "trace/store/trace_data.h"

namespace molgen3d::trace {

enum class ArgsWanted : uint8_t { kUnknown, kNothing, kCorrelation, kCorrelationAndBytes };

class TraceBuilder {
 public:
  TraceBuilder(Trace& trace, const ReadOptions& options);

  /// Takes one event; one that makes no sense becomes an issue.
  void add(const RawEvent& event);
  void add_issue(uint64_t offset, std::string what, std::string_view excerpt);
  void add_metadata(std::string key, std::string_view json);
  /// Which numbers the scanner should look for in the args of this event.
  ArgsWanted args_wanted(const RawEvent& event);

  void set_bare_array() { trace_.bare_array = true; }
  void set_events_found() { events_found_ = true; }
  void set_closed(bool closed) { trace_.closed = closed; }
  void set_rest(uint64_t offset, uint64_t bytes) {
    trace_.rest_offset = offset;
    trace_.rest_bytes = bytes;
  }
  void set_progress(uint64_t offset);
  bool events_found() const { return events_found_; }
  /// The memory limit is reached: no more events, please.
  bool full() const { return trace_.stopped_by_limit; }

  /// Pairs begin with end, nests, and makes the totals. Call once, after the last event.
  void finish();

 private:
  // A begin or end event, or an asynchronous one, waiting for its other half.
  struct Half {
    int64_t ts;
    ArgsRef args;
    uint32_t group;  // asynchronous: events of one id
    StringId scope;  // asynchronous
    StringId name;
    StringId category;
    uint32_t track;
    char phase;
    uint32_t rows_before = 0;  // of a begin, see PairedRows
  };
  struct PlaceKey {
    TrackKind kind;
    OsId pid;
    OsId tid;
    bool operator==(const PlaceKey&) const = default;
  };
  struct PlaceHash {
    size_t operator()(const PlaceKey& k) const;
  };
  // Asynchronous events of one key belong together.
  struct AsyncKey {
    int64_t id, pid;  // pid: 0 unless the id is local to its process
    StringId id_text, pid_text, category;
    uint32_t kind;  // old or nestable, local or global
    bool operator==(const AsyncKey&) const = default;
  };

  // The last text of a field and what it meant: most events repeat it.
  template <typename Meaning>
  struct Last {
    char text[32];
    size_t size = SIZE_MAX;
    RawValue::Type type = RawValue::kAbsent;
    Meaning meaning{};
    bool is(const RawValue& value) const {
      return value.size == size && value.type == type && std::memcmp(text, value.text, size) == 0;
    }
    void set(const RawValue& value, const Meaning& m) {
      if (value.size > sizeof text) return;
      std::memcpy(text, value.text, value.size);
      size = value.size;
      type = value.type;
      meaning = m;
    }
  };

  OsId os_id(const RawValue& value, Last<OsId>& last);
  StringId category_of(const RawEvent& event);
  uint32_t process_of(OsId pid);
  uint32_t thread_of(OsId pid, OsId tid);
  uint32_t thread_track(OsId pid, OsId tid);
  uint32_t make_track(const PlaceKey& key);
  StringId intern(const RawValue& value);
  OsId event_id(const RawValue& id);
  uint64_t flow_number(const OsId& id) const;
  uint64_t flow_id(const RawEvent& event, const OsId& pid);
  AsyncKey async_key(const RawEvent& event, StringId category, const OsId& pid);
  void add_row(int64_t ts, int64_t dur, StringId name, StringId category, uint32_t track,
               SliceKind kind, const RawEvent* event, ArgsRef args);
  void issue(const RawEvent& event, const char* what);
  void add_timed(const RawEvent& event, int64_t ts, const OsId& pid, const OsId& tid);
  void add_complete(const RawEvent& event, int64_t ts, const OsId& pid, const OsId& tid);
  void add_metadata_event(const RawEvent& event, OsId pid, OsId tid);
  void add_counter(const RawEvent& event, int64_t ts, OsId pid);
  void pair_threads();
  void pair_async();
  void check_memory();

  Trace& trace_;
  const ReadOptions& options_;
  bool events_found_ = false;
  std::unordered_map<PlaceKey, uint32_t, PlaceHash> places_;
  std::unordered_map<PlaceKey, uint32_t, PlaceHash> threads_;
  std::unordered_map<PlaceKey, uint32_t, PlaceHash> processes_;
  std::unordered_map<uint64_t, uint32_t, SeededValueHash<uint64_t>> counter_tracks_;
  std::unordered_map<AsyncKey, uint32_t, SeededValueHash<AsyncKey>> async_groups_;
  PlaceKey last_place_{};
  uint32_t last_track_ = kNoRow;
  Last<OsId> last_pid_, last_tid_;
  Last<StringId> last_category_;
  std::vector<ArgsWanted> wanted_;  // by category id
  std::vector<Half> halves_;
  std::vector<Half> async_halves_;
  PairedRows paired_;
  std::vector<StackOrder> stack_order_;
  uint64_t escapes_seen_ = 0;
  uint64_t until_check_ = 0;
};

}  // namespace molgen3d::trace
