// One event as its fields stand in the text, before any meaning.
#pragma once

#include <cstdint>
#include <string_view>

#include "trace/store/string_pool.h"
#include "trace/store/trace_data.h"

namespace molgen3d::trace {

/// A field: absent, a string (without quotes, still escaped), or anything else as it is written.
struct RawValue {
  enum Type : uint8_t { kAbsent, kString, kOther };
  const char* text = nullptr;
  size_t size = 0;
  Type type = kAbsent;
  std::string_view view() const { return {text, size}; }
};

struct RawEvent {
  char phase = 0;
  uint64_t offset = 0;  ///< of its '{' in the text
  RawValue name, category, ts, dur, pid, tid, bind_point, bind_id, flow_in, flow_out;
  RawValue id, id2, id_scope;  ///< "id", "id2" ({"local": ...} or {"global": ...}), "scope"
  RawValue scope;              ///< "s" of an instant
  RawValue args;               ///< the object with its braces
  ArgsRef args_ref = 0;
  int64_t correlation = kNoCorrelation;
  int64_t bytes = -1;
};

}  // namespace molgen3d::trace
