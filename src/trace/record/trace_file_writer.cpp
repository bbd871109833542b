#include "trace/record/trace_file_writer.h"

#include <fmt/format.h>

#include <iterator>

#include "base/json_text.h"

namespace molgen3d::trace {
namespace {

constexpr uint64_t kMaxId = (uint64_t{1} << 53) - 1;
constexpr size_t kTextBytes = 1 << 16;
constexpr size_t kSyncBytes = 1 << 20;
// Row ids stay below 2^32 (what importers keep): host rows of CUDA calls start at 2 * 10^9, the
// n-th overflow lane of a stream at n * 10^6.
constexpr int64_t kHostRow = 2000000000;
constexpr int64_t kHostLane = 100000000;
constexpr int64_t kDeviceLane = 1000000;

std::string_view category_of(DeviceSpanKind kind) {
  switch (kind) {
    case DeviceSpanKind::kKernel:
      return "kernel";
    case DeviceSpanKind::kCopy:
      return "gpu_memcpy";
    case DeviceSpanKind::kFill:
      return "gpu_memset";
    case DeviceSpanKind::kGraph:
      return "gpu_graph";
    case DeviceSpanKind::kRuntime:
      return "cuda_runtime";
    case DeviceSpanKind::kSync:
      return "cuda_sync";
  }
  return "kernel";
}

template <typename Integer>
void append_integer(std::string& out, Integer value) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.size());
}

void append_us(std::string& out, int64_t ns) {
  const uint64_t magnitude = ns < 0 ? uint64_t{0} - static_cast<uint64_t>(ns) : ns;
  if (ns < 0) out += '-';
  append_integer(out, magnitude / 1000);
  const auto rest = static_cast<unsigned>(magnitude % 1000);
  const char digits[] = {'.', static_cast<char>('0' + rest / 100),
                         static_cast<char>('0' + rest / 10 % 10),
                         static_cast<char>('0' + rest % 10)};
  out.append(digits, sizeof digits);
}

std::string quoted_json(std::string_view value) {
  std::string out;
  append_json_string(out, value);
  return out;
}

}  // namespace

TraceFileWriter::TraceFileWriter(const std::string& path, long pid, uint64_t base_ns)
    : file_(path), pid_(pid), base_ns_(base_ns) {}

void TraceFileWriter::begin_event() {
  text_ += first_event_ ? "\n" : ",\n";
  first_event_ = false;
}

void TraceFileWriter::add_time(const char* key, uint64_t ns) {
  text_ += key;
  append_us(text_, static_cast<int64_t>(ns));
}

void TraceFileWriter::add_metadata(std::string_view what, int64_t pid, int64_t tid,
                                   std::string_view key, std::string_view value_json) {
  begin_event();
  fmt::format_to(std::back_inserter(text_),
                 R"({{"ph":"M","name":"{}","pid":{},"tid":{},"ts":0,"args":{{"{}":{}}}}})", what,
                 pid, tid, key, value_json);
}

void TraceFileWriter::begin(const std::string& process_name, uint64_t wall_ns,
                            const std::vector<std::pair<std::string, std::string>>& metadata) {
  text_ += fmt::format(R"({{"schemaVersion":1,"displayTimeUnit":"ms","baseTimeNanoseconds":{})",
                       wall_ns);
  for (const auto& [key, value] : metadata) {
    text_ += ",";
    append_json_string(text_, key);
    text_ += ":";
    append_json_string(text_, value);
  }
  text_ += ",\"traceEvents\":[";
  add_metadata("process_name", pid_, pid_, "name", quoted_json(process_name));
  add_metadata("process_sort_index", pid_, pid_, "sort_index", "0");
  flush(true);
}

void TraceFileWriter::add_name(std::string_view name) {
  quoted_names_.push_back(quoted_json(name));
}

const std::string& TraceFileWriter::quoted_name(uint32_t id) const {
  static const std::string unknown = "\"?\"";
  return id < quoted_names_.size() ? quoted_names_[id] : unknown;
}

void TraceFileWriter::name_thread(long tid, std::string_view name) {
  add_metadata("thread_name", pid_, tid, "name", quoted_json(name));
}

void TraceFileWriter::add_span(long tid, uint32_t name, uint64_t begin_ns, uint64_t end_ns,
                               const SpanArgs& args) {
  begin_event();
  std::string& head = span_heads_[{tid, name}];
  if (head.empty()) {
    head =
        fmt::format(R"({{"ph":"X","cat":"{}","name":{},"pid":{},"tid":{})",
                    name < kRunPhases ? "user_annotation" : "cpu_op", quoted_name(name), pid_, tid);
  }
  text_ += head;
  add_time(",\"ts\":", begin_ns - base_ns_);
  add_time(",\"dur\":", end_ns - begin_ns);
  const char* before = ",\"args\":{";
  const auto put = [&](const char* key, int32_t value) {
    if (value < 0) return;
    text_ += before;
    text_ += key;
    append_integer(text_, value);
    before = ",";
  };
  put("\"step\":", args.step);
  put("\"rows\":", args.rows);
  put("\"tokens\":", args.tokens);
  text_ += *before == ',' && before[1] == '\0' ? "}}" : "}";
}

void TraceFileWriter::add_counter(long tid, uint32_t name, uint64_t ns, int64_t value) {
  begin_event();
  fmt::format_to(std::back_inserter(text_), R"({{"ph":"C","name":{},"pid":{},"tid":{})",
                 quoted_name(name), pid_, tid);
  add_time(",\"ts\":", ns - base_ns_);
  fmt::format_to(std::back_inserter(text_), R"(,"args":{{"value":{}}}}})", value);
}

void TraceFileWriter::add_device_span(const DeviceSpan& s) {
  const bool host = s.kind == DeviceSpanKind::kRuntime;
  std::vector<uint64_t>& row = lanes_[{host, host ? 0 : s.device, s.lane}];
  size_t lane = 0;
  while (lane < row.size() && row[lane] > s.begin_ns) ++lane;
  const int64_t pid = host ? pid_ : s.device;
  const int64_t tid = (host ? kHostRow + int64_t{s.lane} % kHostLane : int64_t{s.lane}) +
                      static_cast<int64_t>(lane) * (host ? kHostLane : kDeviceLane);
  if (lane == row.size()) {
    row.push_back(0);
    if (!host && !device_named_[s.device]) {
      device_named_[s.device] = true;
      add_metadata("process_name", pid, 0, "name", quoted_json(fmt::format("GPU {}", s.device)));
      add_metadata("process_sort_index", pid, 0, "sort_index", std::to_string(1000 + s.device));
    }
    std::string name =
        host ? fmt::format("CUDA calls, thread {}", s.lane) : fmt::format("stream {}", s.lane);
    if (lane > 0) name += fmt::format(" #{}", lane + 1);
    add_metadata("thread_name", pid, tid, "name", quoted_json(name));
  }
  row[lane] = s.end_ns;
  begin_event();
  fmt::format_to(std::back_inserter(text_), R"({{"ph":"X","cat":"{}","name":{},"pid":{},"tid":{})",
                 category_of(s.kind), quoted_name(s.name), pid, tid);
  add_time(",\"ts\":", s.begin_ns - base_ns_);
  add_time(",\"dur\":", s.end_ns - s.begin_ns);
  text_ += ",\"args\":{";
  if (host) {
    fmt::format_to(std::back_inserter(text_), "\"thread\":{}", s.lane);
  } else {
    fmt::format_to(std::back_inserter(text_), R"("device":{},"stream":{})", s.device, s.lane);
  }
  if (s.correlation != 0) {
    fmt::format_to(std::back_inserter(text_), ",\"correlation\":{}", s.correlation & kMaxId);
  }
  if (s.bytes >= 0) fmt::format_to(std::back_inserter(text_), ",\"bytes\":{}", s.bytes);
  if (s.graph_node >= 0) {
    fmt::format_to(std::back_inserter(text_), ",\"graph node id\":{}",
                   static_cast<uint64_t>(s.graph_node) & kMaxId);
  }
  if (s.operation != kNoName) {
    fmt::format_to(std::back_inserter(text_), ",\"operation\":{}", quoted_name(s.operation));
  }
  if (s.layer >= 0) fmt::format_to(std::back_inserter(text_), ",\"layer\":{}", s.layer);
  text_ += "}}";
}

void TraceFileWriter::add_remark(std::string_view text, uint64_t ns) {
  begin_event();
  fmt::format_to(std::back_inserter(text_), R"({{"ph":"i","s":"g","name":{},"pid":{},"tid":{})",
                 quoted_json(text), pid_, pid_);
  add_time(",\"ts\":", ns - base_ns_);
  text_ += '}';
}

void TraceFileWriter::flush(bool force) {
  if (text_.empty() || (!force && text_.size() < kTextBytes)) return;
  file_.write(text_);
  unsynced_ += text_.size();
  text_.clear();
  if (unsynced_ >= kSyncBytes) {
    file_.sync();
    unsynced_ = 0;
  }
}

void TraceFileWriter::end() {
  text_ += "\n]}\n";
  flush(true);
  file_.close();
}

}  // namespace molgen3d::trace
