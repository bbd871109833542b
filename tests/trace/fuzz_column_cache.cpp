// Any bytes as a cache file: refused, or a trace whose every index is in bounds.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "base/error.h"
#include "trace/reports/reports.h"
#include "trace/reports/trace_check.h"
#include "trace/sql/sql.h"
#include "trace/store/column_cache_file.h"

using namespace molgen3d::trace;

// Sizes, identity and checksum are set right, or nothing would ever get past them.
static void seal(std::string& bytes, const std::string& trace) {
  cache::Header h;
  std::memcpy(&h, bytes.data(), sizeof h);
  std::memcpy(h.magic, cache::kMagic, sizeof h.magic);
  h.version = cache::kVersion;
  h.layout = cache::kLayout;
  h.file_size = bytes.size();
  h.source = *cache::identify(trace, h.seed);
  uint64_t at = (sizeof h + 63) / 64 * 64;
  std::memset(bytes.data() + sizeof h, 0, std::min(bytes.size(), at) - sizeof h);
  for (size_t i = 0; i < cache::kSections; ++i) {
    h.offset[i] = std::min<uint64_t>(at, bytes.size() / 64 * 64);
    h.bytes[i] = std::min<uint64_t>(h.bytes[i] % 256, bytes.size() - h.offset[i]);
    const uint64_t end = h.offset[i] + h.bytes[i];
    at = std::min<uint64_t>((end + 63) / 64 * 64, bytes.size());
    std::memset(bytes.data() + end, 0, at - end);
  }
  std::memset(bytes.data() + at, 0, bytes.size() - at);
  cache::Checksum sum(h);
  for (size_t i = 0; i < cache::kSections; ++i) sum.add(bytes.data() + h.offset[i], h.bytes[i]);
  h.checksum = sum.value();
  std::memcpy(bytes.data(), &h, sizeof h);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string trace = [] {
    std::string path = "/tmp/molgen3d_fuzz_cache_" + std::to_string(getpid());
    std::ofstream(path) << "[]";
    return path;
  }();
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size >= sizeof(cache::Header) + 64 && data[0] % 8 != 0) seal(bytes, trace);
  const std::shared_ptr<void> copy(std::aligned_alloc(64, (bytes.size() + 64) / 64 * 64),
                                   std::free);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  try {
    if (const auto t = cache::unpack(copy, bytes.size(), trace)) {
      check_importable(*t);
      describe_reading(*t);
      report_top(*t, {});
      report_gpu(*t, {});
      SqlDatabase(*t).query(
          "SELECT name, depth FROM slice; SELECT * FROM thread_slice; "
          "SELECT * FROM counter; SELECT * FROM flow");
    }
  } catch (const molgen3d::Error&) {
    // A damaged trace may have no answer; it must have no crash.
  }
  return 0;
}
