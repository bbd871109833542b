// Any bytes as JSON lines of generate: refused with file and line, or samples that each have a
// conformer's text or a failure.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "quality/generated_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace molgen3d;
  static const std::string path = (std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp") +
                                  ("/molgen3d_fuzz_lines_" + std::to_string(getpid()) + ".jsonl");
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    const GeneratedSet set = read_generated(path);
    if (set.path != path || set.label.empty()) std::abort();
    for (const GeneratedSample& sample : set.samples) {
      if (sample.source.empty() || !sample.mol_block.empty()) std::abort();
    }
  } catch (const Error& error) {
    if (std::string_view(error.what()).substr(0, path.size()) != path) std::abort();
  }
  std::filesystem::remove(path);
  return 0;
}
