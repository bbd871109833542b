// What the ids of events stand for: processes and threads, asynchronous operations, arrows.
#include <fmt/format.h>

#include <charconv>

#include "trace/read/fixed_point.h"
#include "trace/read/trace_builder.h"
#include "trace/store/args_json.h"

namespace molgen3d::trace {
namespace {

// The number that a decimal text spells: viewers take pid "7" for 7. "07" and "7.0" stay texts.
std::optional<int64_t> spelled_number(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || (digits[0] == '0' && text.size() > 1)) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

OsId TraceBuilder::os_id(const RawValue& value, Last<OsId>& last) {
  if (value.type == RawValue::kAbsent) return {};
  if (last.is(value)) return last.meaning;
  OsId id;
  const auto number =
      value.type == RawValue::kOther ? parse_integer(value.view()) : spelled_number(value.view());
  if (number) {
    id = {*number, 0};
  } else {
    id = {0, trace_.strings.intern_json(value.view())};
  }
  last.set(value, id);
  return id;
}

// A number written as number, decimal text or 0x text is the same id; other texts are themselves.
OsId TraceBuilder::event_id(const RawValue& id) {
  const std::string_view text = id.view();
  if (const auto number =
          id.type == RawValue::kOther ? parse_integer(text) : spelled_number(text)) {
    return {*number, 0};
  }
  if (text.size() > 2 && text.size() <= 18 && text[0] == '0' && (text[1] | 0x20) == 'x') {
    uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + 2, end, value, 16);
    if (read.ec == std::errc() && read.ptr == end) return {static_cast<int64_t>(value), 0};
  }
  return {0, intern(id)};
}

uint64_t TraceBuilder::flow_number(const OsId& id) const {
  return id.text != 0 ? uint64_t{id.text} | (uint64_t{1} << 63) : static_cast<uint64_t>(id.number);
}

// Plain ids count for the whole trace; a scope or a process that an id is local to is part of it.
uint64_t TraceBuilder::flow_id(const RawEvent& event, const OsId& pid) {
  if (event.id_scope.type == RawValue::kAbsent && event.id2.type == RawValue::kAbsent) {
    return flow_number(event_id(event.id));
  }
  const AsyncKey key = async_key(event, 0, pid);
  return flow_number(
      {0, trace_.strings.intern(fmt::format("flow {} {} {} {} {}", key.id, key.id_text, key.pid,
                                            key.pid_text, intern(event.id_scope)))});
}

TraceBuilder::AsyncKey TraceBuilder::async_key(const RawEvent& event, StringId category,
                                               const OsId& pid) {
  const bool old = event.phase < 'a' || event.phase == 'p';
  AsyncKey key{0, 0, 0, 0, category, old ? 1u : 0u};
  OsId id;
  bool local = false;
  if (event.id.type != RawValue::kAbsent) {
    id = event_id(event.id);
  } else {
    for (const ArgLeaf& leaf : parse_args(event.id2.view())) {
      if (leaf.key != "local" && leaf.key != "global") continue;
      const auto type = leaf.type == ArgLeaf::kString ? RawValue::kString : RawValue::kOther;
      id = event_id({leaf.text.data(), leaf.text.size(), type});
      local = leaf.key == "local";
    }
  }
  key.id = id.number;
  key.id_text = id.text;
  if (local) {
    key.kind |= 2;
    key.pid = pid.number;
    key.pid_text = pid.text;
  }
  return key;
}

}  // namespace molgen3d::trace
