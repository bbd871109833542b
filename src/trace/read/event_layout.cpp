#include "trace/read/event_layout.h"

namespace molgen3d::trace {

FieldTarget target_of(std::string_view key) {
  struct Field {
    std::string_view key;
    FieldTarget target;
  };
  constexpr auto kPlain = FieldTarget::kPlain;
  static constexpr Field kFields[] = {
      {"ph", {FieldTarget::kPhase, nullptr}},    {"args", {FieldTarget::kArgs, nullptr}},
      {"name", {kPlain, &RawEvent::name}},       {"cat", {kPlain, &RawEvent::category}},
      {"ts", {kPlain, &RawEvent::ts}},           {"dur", {kPlain, &RawEvent::dur}},
      {"pid", {kPlain, &RawEvent::pid}},         {"tid", {kPlain, &RawEvent::tid}},
      {"id", {kPlain, &RawEvent::id}},           {"id2", {kPlain, &RawEvent::id2}},
      {"scope", {kPlain, &RawEvent::id_scope}},  {"s", {kPlain, &RawEvent::scope}},
      {"bp", {kPlain, &RawEvent::bind_point}},   {"bind_id", {kPlain, &RawEvent::bind_id}},
      {"flow_in", {kPlain, &RawEvent::flow_in}}, {"flow_out", {kPlain, &RawEvent::flow_out}}};
  for (const Field& field : kFields) {
    if (field.key == key) return field.target;
  }
  return {};
}

}  // namespace molgen3d::trace
