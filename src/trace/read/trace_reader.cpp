#include "trace/read/trace_reader.h"

#include "base/error.h"
#include "trace/read/event_scanner.h"
#include "trace/read/trace_builder.h"
#include "trace/read/window_source.h"
#include "trace/store/column_cache.h"

namespace molgen3d::trace {

Trace read_trace(const std::string& path, const ReadOptions& options) {
  if (options.use_cache) {
    if (std::optional<Trace> cached = load_column_cache(path)) return std::move(*cached);
  }
  Trace trace;
  trace.path = path;
  auto input = std::make_shared<InputStream>(path);
  trace.stamp = input->stamp();
  trace.file_bytes = trace.stamp.size;
  TraceBuilder builder(trace, options);
  {
    WindowSource source(*input, options.window_bytes, options.threads > 1);
    EventScanner(source, builder, options).run(path);
  }
  if (!builder.events_found()) {
    throw Error::format("{}: no trace: neither an array of events nor an object with traceEvents",
                        path);
  }
  trace.input = input->notes();
  trace.json_bytes = input->offset();
  trace.source = std::move(input);
  trace.source_scanned = true;
  builder.finish();
  return trace;
}

}  // namespace molgen3d::trace
