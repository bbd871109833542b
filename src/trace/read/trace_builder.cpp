#include "trace/read/trace_builder.h"

#include <algorithm>
#include <future>

#include "base/json_text.h"
#include "trace/read/fixed_point.h"
#include "trace/read/nesting.h"
#include "trace/store/args_json.h"

namespace molgen3d::trace {
namespace {

constexpr int64_t kTimeLimit = (int64_t{1} << 62) - 1;  // 146 years: ends stay within 64 bits
constexpr size_t kIssuesKept = 50;
constexpr uint64_t kCheckEvery = 1 << 16;
constexpr size_t kAlone = 100000;  // slices for which a second thread is not worth starting

std::string clean_excerpt(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json.substr(1, json.size() - 2);
}

}  // namespace

size_t TraceBuilder::PlaceHash::operator()(const PlaceKey& k) const {
  struct Packed {
    int64_t pid, tid;
    StringId pid_text, tid_text;
    uint64_t kind;
  };
  return SeededValueHash<Packed>()(
      {k.pid.number, k.tid.number, k.pid.text, k.tid.text, static_cast<uint64_t>(k.kind)});
}

TraceBuilder::TraceBuilder(Trace& trace, const ReadOptions& options)
    : trace_(trace), options_(options) {}

void TraceBuilder::set_progress(uint64_t offset) {
  if (options_.progress) options_.progress(offset);
}

void TraceBuilder::add_issue(uint64_t offset, std::string what, std::string_view excerpt) {
  ++trace_.issue_counts[what];
  if (trace_.issues.size() < kIssuesKept) {
    trace_.issues.push_back({offset, std::move(what), clean_excerpt(excerpt.substr(0, 80))});
  }
}

void TraceBuilder::add_metadata(std::string key, std::string_view json) {
  if (trace_.metadata.size() < 1000)
    trace_.metadata.emplace_back(std::move(key), std::string(json));
}

ArgsWanted TraceBuilder::args_wanted(const RawEvent& event) {
  const StringId id = category_of(event);
  if (id >= wanted_.size()) wanted_.resize(id + 1, ArgsWanted::kUnknown);
  if (wanted_[id] == ArgsWanted::kUnknown) {
    const std::string_view name = trace_.strings.view(id);
    const bool chatty = name == "python_function" || name == "cpu_op" || name == "Operator" ||
                        name == "user_annotation" || name == "Trace" || name == "overhead";
    const bool memory =
        name.find("mem") != std::string_view::npos || name.find("Mem") != std::string_view::npos;
    wanted_[id] = chatty   ? ArgsWanted::kNothing
                  : memory ? ArgsWanted::kCorrelationAndBytes
                           : ArgsWanted::kCorrelation;
  }
  return wanted_[id];
}

StringId TraceBuilder::category_of(const RawEvent& event) {
  if (event.category.type == RawValue::kAbsent) return 0;
  if (last_category_.is(event.category)) return last_category_.meaning;
  const StringId id = trace_.strings.intern_json(event.category.view());
  last_category_.set(event.category, id);
  return id;
}

uint32_t TraceBuilder::process_of(OsId pid) {
  const PlaceKey key{TrackKind::kProcess, pid, {}};
  const auto [it, added] =
      processes_.try_emplace(key, static_cast<uint32_t>(trace_.processes.size()));
  if (added) trace_.processes.push_back({pid, 0, 0, 0});
  return it->second;
}

uint32_t TraceBuilder::thread_of(OsId pid, OsId tid) {
  const PlaceKey key{TrackKind::kThread, pid, tid};
  const auto [it, added] = threads_.try_emplace(key, static_cast<uint32_t>(trace_.threads.size()));
  if (added) trace_.threads.push_back({tid, process_of(pid), 0, 0});
  return it->second;
}

uint32_t TraceBuilder::make_track(const PlaceKey& key) {
  const auto [it, added] = places_.try_emplace(key, static_cast<uint32_t>(trace_.tracks.size()));
  if (added) {
    Track track;
    track.kind = key.kind;
    track.base = it->second;
    if (key.kind == TrackKind::kThread) {
      track.utid = thread_of(key.pid, key.tid);
      track.upid = trace_.threads[track.utid].upid;
    } else if (key.kind != TrackKind::kGlobal) {
      track.upid = process_of(key.pid);
    }
    if (key.kind == TrackKind::kAsync) track.name = key.tid.text;
    trace_.tracks.push_back(track);
  }
  return it->second;
}

uint32_t TraceBuilder::thread_track(OsId pid, OsId tid) {
  const PlaceKey key{TrackKind::kThread, pid, tid};
  if (last_track_ != kNoRow && key == last_place_) return last_track_;
  last_place_ = key;
  last_track_ = make_track(key);
  return last_track_;
}

StringId TraceBuilder::intern(const RawValue& value) {
  return value.type == RawValue::kAbsent ? 0 : trace_.strings.intern_json(value.view());
}

void TraceBuilder::add_row(int64_t ts, int64_t dur, StringId name, StringId category,
                           uint32_t track, SliceKind kind, const RawEvent* event, ArgsRef args) {
  SliceColumns& s = trace_.slices;
  if (event != nullptr && event->bytes >= 0) {
    trace_.bytes.push_back({static_cast<uint32_t>(s.size()), event->bytes});
  }
  s.ts.push_back(ts);
  s.dur.push_back(dur);
  s.name.push_back(name);
  s.category.push_back(category);
  s.track.push_back(track);
  s.correlation.push_back(event != nullptr ? event->correlation : kNoCorrelation);
  s.args.push_back(args);
  s.kind.push_back(kind);
}

void TraceBuilder::add(const RawEvent& event) {
  if (++until_check_ == kCheckEvery) check_memory();
  ++trace_.events;
  ++trace_.phase_count[static_cast<unsigned char>(event.phase)];
  if (event.phase == 0) return issue(event, "an event without ph");
  const OsId pid = os_id(event.pid, last_pid_);
  const OsId tid = event.tid.type == RawValue::kAbsent ? pid : os_id(event.tid, last_tid_);
  if (event.phase == 'M') {
    add_metadata_event(event, pid, tid);
  } else if (const std::optional<int64_t> ts = parse_us_as_ns(event.ts.view());
             ts && *ts <= kTimeLimit && *ts >= -kTimeLimit) {
    add_timed(event, *ts, pid, tid);
  } else {
    issue(event, event.ts.type == RawValue::kAbsent ? "an event without ts"
                                                    : "ts is no number of microseconds");
  }
  if (trace_.strings.invalid_escapes() != escapes_seen_) {
    escapes_seen_ = trace_.strings.invalid_escapes();
    issue(event, "a text with an escape that JSON does not know; its backslash stays");
  }
}

void TraceBuilder::issue(const RawEvent& event, const char* what) {
  add_issue(event.offset, what, event.name.type == RawValue::kAbsent ? "" : event.name.view());
}

void TraceBuilder::add_complete(const RawEvent& event, int64_t ts, const OsId& pid,
                                const OsId& tid) {
  const StringId name = intern(event.name);
  const StringId category = category_of(event);
  const std::optional<int64_t> dur = parse_us_as_ns(event.dur.view());
  if (event.dur.type == RawValue::kAbsent) return issue(event, "an X event without dur");
  if (!dur || *dur < 0 || *dur > kTimeLimit) {
    return issue(event, "dur is no number of microseconds");
  }
  const uint32_t track = thread_track(pid, tid);
  const auto row = static_cast<uint32_t>(trace_.slices.size());
  add_row(ts, *dur, name, category, track, SliceKind::kComplete, &event, event.args_ref);
  if (event.bind_id.type == RawValue::kAbsent) return;
  const uint64_t id = flow_number(event_id(event.bind_id));
  if (event.flow_in.view() == "true") trace_.flows.push_back({ts, id, 0, 0, track, row, 'i', true});
  if (event.flow_out.view() == "true") {
    trace_.flows.push_back({ts, id, 0, 0, track, row, 'o', true});
  }
}

void TraceBuilder::add_timed(const RawEvent& event, int64_t ts, const OsId& pid, const OsId& tid) {
  if (event.phase == 'X') return add_complete(event, ts, pid, tid);
  const StringId name = intern(event.name);
  const StringId category = category_of(event);
  switch (event.phase) {
    case 'B':
    case 'E':
      halves_.push_back({ts, event.args_ref, 0, 0, name, category, thread_track(pid, tid),
                         event.phase, static_cast<uint32_t>(trace_.slices.size())});
      break;
    case 'i':
    case 'I':
    case 'R':
    case 'P': {
      const char scope = event.scope.size == 1 ? event.scope.text[0] : 't';
      const uint32_t track = scope == 'g'   ? make_track({TrackKind::kGlobal, {}, {}})
                             : scope == 'p' ? make_track({TrackKind::kProcess, pid, {}})
                                            : thread_track(pid, tid);
      add_row(ts, 0, name, category, track, SliceKind::kInstant, &event, event.args_ref);
      break;
    }
    case 'b':
    case 'e':
    case 'n':
    case 'S':
    case 'F':
    case 'T':
    case 'p': {
      const auto [group, added] = async_groups_.try_emplace(
          async_key(event, category, pid), static_cast<uint32_t>(async_groups_.size()));
      const uint32_t track = make_track({TrackKind::kAsync, pid, {0, name}});
      async_halves_.push_back({ts, event.args_ref, group->second, intern(event.id_scope), name,
                               category, track, event.phase});
      break;
    }
    case 's':
    case 't':
    case 'f':
      trace_.flows.push_back({ts, flow_id(event, pid), name, category, thread_track(pid, tid),
                              kNoRow, event.phase, event.bind_point.view() == "e"});
      break;
    case 'C':
      add_counter(event, ts, pid);
      break;
    default:
      break;  // counted in phase_count; object and clock events hold nothing we show
  }
}

void TraceBuilder::add_metadata_event(const RawEvent& event, OsId pid, OsId tid) {
  const std::string_view what = event.name.view();
  if (event.args.size == 0 || event.pid.type == RawValue::kAbsent) return;
  for (const ArgLeaf& leaf : parse_args(event.args.view())) {
    if (what == "thread_name" && leaf.key == "name") {
      trace_.threads[thread_of(pid, tid)].name = trace_.strings.intern(leaf.text);
    } else if (what == "process_name" && leaf.key == "name") {
      trace_.processes[process_of(pid)].name = trace_.strings.intern(leaf.text);
    } else if (what == "process_labels" && leaf.key == "labels") {
      trace_.processes[process_of(pid)].labels = trace_.strings.intern(leaf.text);
    } else if (what == "thread_sort_index" && leaf.key == "sort_index") {
      trace_.threads[thread_of(pid, tid)].sort_index = leaf.integer;
    } else if (what == "process_sort_index" && leaf.key == "sort_index") {
      trace_.processes[process_of(pid)].sort_index = leaf.integer;
    }
  }
}

void TraceBuilder::add_counter(const RawEvent& event, int64_t ts, OsId pid) {
  if (event.args.size == 0) return;
  const uint32_t upid = process_of(pid);
  for (const ArgLeaf& leaf : parse_args(event.args.view())) {
    double value = 0;
    if (leaf.type == ArgLeaf::kInteger) {
      value = static_cast<double>(leaf.integer);
    } else if (leaf.type == ArgLeaf::kReal) {
      value = leaf.real;
    } else {
      continue;
    }
    std::string name = unescape_json(event.name.view());
    if (event.id.type != RawValue::kAbsent) name += " id: " + unescape_json(event.id.view());
    name += " " + leaf.key;
    const StringId id = trace_.strings.intern(name);
    const auto [it, added] = counter_tracks_.try_emplace(
        (uint64_t{upid} << 32) | id, static_cast<uint32_t>(trace_.counter_tracks.size()));
    if (added) trace_.counter_tracks.push_back({id, upid});
    trace_.counters.push_back({ts, value, it->second});
  }
}

void TraceBuilder::check_memory() {
  until_check_ = 0;
  const SliceColumns& s = trace_.slices;
  constexpr size_t kRowBytes = 8 * 4 + 4 * 5 + 2 + 1 + 16;  // with the sort's working space
  const size_t used =
      s.size() * kRowBytes + trace_.strings.bytes() * 2 + trace_.strings.size() * 100 +
      trace_.flows.bytes() + trace_.counters.bytes() + trace_.bytes.size() * sizeof(SliceBytes) +
      halves_.size() * (sizeof(Half) + 12) + async_halves_.size() * (sizeof(Half) + 4 * 112) +
      (threads_.size() + places_.size() + processes_.size() + async_groups_.size()) * 128;
  if (used > options_.max_bytes || s.size() > UINT32_MAX - 2 * kCheckEvery ||
      halves_.size() > UINT32_MAX - 2 * kCheckEvery) {
    trace_.stopped_by_limit = true;
  }
}

void TraceBuilder::finish() {
  pair_threads();
  pair_async();
  SliceColumns& s = trace_.slices;
  s.ts.shrink();
  s.dur.shrink();
  s.name.shrink();
  s.category.shrink();
  s.track.shrink();
  s.correlation.shrink();
  s.args.shrink();
  s.kind.shrink();
  trace_.flows.shrink();
  trace_.counters.shrink();
  sort_by_time(trace_, paired_);
  // Indexes look at times and categories only, nesting writes parents, depths and tracks.
  std::future<void> indexes;
  if (options_.threads > 1 && s.size() > kAlone) {
    indexes = std::async(std::launch::async, [this] { make_indexes(trace_); });
  } else {
    make_indexes(trace_);
  }
  nest(trace_, stack_order_);
  make_stats(trace_);
  if (indexes.valid()) indexes.get();
}

}  // namespace molgen3d::trace
