// Any bytes: the reader must come back, with every index of its columns in bounds.
#include <unistd.h>
#include <cstdint>
#include <cstdlib>

#include <fstream>
#include <string>

#include "base/error.h"
#include "trace/read/trace_reader.h"
#include "trace/reports/trace_check.h"
#include "trace/sql/sql.h"
#include "trace/store/args_store.h"
#include "trace/store/flows.h"

using namespace molgen3d;
using namespace molgen3d::trace;

static void require(bool condition) {
  if (!condition) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  static const std::string path = "/tmp/molgen3d_fuzz_" + std::to_string(getpid());
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data) + 1, static_cast<std::streamsize>(size - 1));
  ReadOptions options;
  options.use_cache = false;
  options.threads = 1;
  options.window_bytes = size_t{64} << (data[0] % 4 * 2);
  options.max_event_bytes = 4096;
  try {
    const Trace t = read_trace(path, options);
    const SliceColumns& s = t.slices;
    for (size_t row = 0; row < s.size(); ++row) {
      require(s.name[row] < t.strings.size() && s.category[row] < t.strings.size());
      require(s.track[row] < t.tracks.size());
      require(s.parent[row] == kNoRow || s.parent[row] < s.size());
      require(s.by_time[row] < s.size());
      parse_args(args_text(t, static_cast<uint32_t>(row)));
    }
    for (const Flow& f : bind_flows(t)) require(f.from < s.size() && f.to < s.size());
    check_importable(t);
    if (data[0] & 0x80) {
      SqlDatabase(t).query("SELECT name, COUNT(*), SUM(depth) FROM slice GROUP BY name");
    }
  } catch (const Error&) {
    // No trace: fine.
  }
  return 0;
}
