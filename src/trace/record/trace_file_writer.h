// A Chrome trace written event by event: the text of the recorder, without its threads and rings.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "trace/record/output_file.h"
#include "trace/record/span_writer.h"

namespace molgen3d::trace {

/// Every member that writes throws Error when the disk refuses. Times are of SpanSink::now_ns() and
/// written relative to `base_ns`, so that they keep their digits in viewers that use doubles.
class TraceFileWriter {
 public:
  TraceFileWriter(const std::string& path, long pid, uint64_t base_ns);

  /// What stands before the events. `wall_ns`: time of day at `base_ns`, ns since 1970.
  void begin(const std::string& process_name, uint64_t wall_ns,
             const std::vector<std::pair<std::string, std::string>>& metadata);
  /// The name of the next id, from 0 on.
  void add_name(std::string_view name);
  size_t names() const { return quoted_names_.size(); }

  void name_thread(long tid, std::string_view name);
  void add_span(long tid, uint32_t name, uint64_t begin_ns, uint64_t end_ns, const SpanArgs& args);
  void add_counter(long tid, uint32_t name, uint64_t ns, int64_t value);
  /// Opens a row when the device, stream or lane is new.
  void add_device_span(const DeviceSpan& span);
  void add_remark(std::string_view text, uint64_t ns);

  /// Hands text to the file; unless `force`, only when there is much of it.
  void flush(bool force);
  /// What closes the file.
  void end();

 private:
  void begin_event();
  void add_time(const char* key, uint64_t ns);
  void add_metadata(std::string_view what, int64_t pid, int64_t tid, std::string_view key,
                    std::string_view value_json);
  const std::string& quoted_name(uint32_t id) const;

  OutputFile file_;
  long pid_;
  uint64_t base_ns_;
  std::string text_;
  size_t unsynced_ = 0;
  bool first_event_ = true;
  std::vector<std::string> quoted_names_;
  std::map<std::pair<long, uint32_t>, std::string> span_heads_;  ///< (thread, name): up to the time
  /// (host row, device, stream or thread): for each lane of the row, the end of its last span.
  std::map<std::tuple<bool, int, uint32_t>, std::vector<uint64_t>> lanes_;
  std::map<int, bool> device_named_;
};

}  // namespace molgen3d::trace
