// Bytes of a cache file changed: refused, or a trace whose every index is in bounds.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "base/error.h"
#include "trace/read/trace_reader.h"
#include "trace/reports/reports.h"
#include "trace/reports/trace_check.h"
#include "trace/sql/sql.h"
#include "trace/store/column_cache_file.h"

using namespace molgen3d::trace;

// One event of every kind that has columns.
static constexpr const char* kTrace = R"([
{"ph":"M","name":"process_name","pid":1,"args":{"name":"p"}},
{"ph":"X","name":"call","cat":"cuda_runtime","pid":1,"tid":1,"ts":1,"dur":9,"args":{"correlation":5}},
{"ph":"X","name":"kernel","cat":"kernel","pid":0,"tid":7,"ts":4,"dur":3,"args":{"correlation":5,"bytes":8}},
{"ph":"X","name":"inner","pid":1,"tid":1,"ts":2,"dur":3},
{"ph":"s","name":"f","id":1,"pid":1,"tid":1,"ts":2},{"ph":"f","name":"f","id":1,"pid":0,"tid":7,"ts":5},
{"ph":"C","name":"c","pid":1,"ts":3,"args":{"x":1}},
{"ph":"b","name":"a","cat":"n","id":2,"pid":1,"tid":1,"ts":1},{"ph":"e","name":"a","cat":"n","id":2,"pid":1,"tid":1,"ts":2},
{"ph":"Q"}])";

static std::string file_name(const char* what) {
  return "/tmp/molgen3d_fuzz_" + std::string(what) + "_" + std::to_string(getpid());
}

static std::string whole_cache(const std::string& path) {
  std::ofstream(path) << kTrace;
  ReadOptions options;
  options.use_cache = false;
  std::string problem;
  const std::string cache = file_name("cols");
  if (!cache::save(cache, read_trace(path, options), problem)) std::abort();
  std::ifstream file(cache, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  unlink(cache.c_str());
  return bytes;
}

// The checksum is set right, or nothing would ever get past it.
static void seal(std::string& bytes) {
  cache::Header h;
  std::memcpy(&h, bytes.data(), sizeof h);
  cache::Checksum sum(h);
  for (size_t i = 0; i < cache::kSections; ++i) {
    if (h.offset[i] > bytes.size() || h.bytes[i] > bytes.size() - h.offset[i]) return;
    sum.add(bytes.data() + h.offset[i], h.bytes[i]);
  }
  h.checksum = sum.value();
  std::memcpy(bytes.data(), &h, sizeof h);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string trace = file_name("trace");
  static const std::string whole = whole_cache(trace);
  if (size < 1) return 0;
  // Where, and what stands there then: three bytes each. Or the bytes alone.
  std::string bytes = whole;
  for (size_t i = 1; i + 3 <= size; i += 3)
    bytes[(data[i] | size_t{data[i + 1]} << 8) % bytes.size()] = static_cast<char>(data[i + 2]);
  if (data[0] == 0) bytes.assign(reinterpret_cast<const char*>(data), size);
  if (data[0] != 0 && data[0] % 8 != 0) seal(bytes);
  const std::shared_ptr<void> copy(std::aligned_alloc(64, (bytes.size() + 64) / 64 * 64),
                                   std::free);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  try {
    if (const auto t = cache::unpack(copy, bytes.size(), trace)) {
      check_importable(*t);
      describe_reading(*t);
      for (const auto& report : {report_top, report_gpu, report_launches, report_memory})
        report(*t, {});
      SqlDatabase(*t).query(
          "SELECT name, depth FROM slice; SELECT * FROM thread_slice; "
          "SELECT * FROM counter; SELECT * FROM flow; SELECT * FROM args");
    }
  } catch (const molgen3d::Error&) {
    // A damaged trace may have no answer; it must have no crash.
  }
  return 0;
}
