// Any bytes as a journal: refused with a cause, or lines that come back the same a second time.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "files/journal.h"

using molgen3d::Journal;
namespace fs = std::filesystem;

static void require(bool condition) {
  if (!condition) std::abort();
}

static const molgen3d::RunIdentity kIdentity = {{"seed", "7"}};
static const std::string kLines[] = {R"({"n":1})", R"({"n":"\"check\":\""})"};

// In memory where there is such a folder: every journal is synced to disk.
static fs::path journal_path() {
  const fs::path folder = fs::exists("/dev/shm") ? "/dev/shm" : "/tmp";
  return folder / ("molgen3d_fuzz_journal_" + std::to_string(getpid()));
}

static std::string whole_journal(const fs::path& path) {
  Journal journal = Journal::open(path, Journal::Start::kOverwrite, kIdentity);
  for (const std::string& line : kLines) journal.append(line);
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  journal.remove();
  return text;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fs::path path = journal_path();
  static const std::string whole = whole_journal(path);
  if (size < 2) return 0;
  // The bytes alone, behind a header that holds, or over a whole journal from some place on.
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::string text = bytes;
  if (data[0] % 3 == 1) text = whole.substr(0, whole.find('\n') + 1) + bytes;
  if (data[0] % 3 == 2) {
    text = whole;
    const size_t at = std::min<size_t>(data[1], whole.size());
    text.replace(at, std::min(bytes.size(), whole.size() - at), bytes);
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  try {
    std::vector<std::string> lines;
    {
      Journal journal = Journal::open(path, Journal::Start::kResume, kIdentity);
      lines = journal.take_lines();
      for (const std::string& line : lines)
        require(line.ends_with('}') && line.find('\n') == std::string::npos);
      journal.append(kLines[0]);
    }
    lines.push_back(kLines[0]);
    Journal again = Journal::open(path, Journal::Start::kResume, kIdentity);
    require(again.take_lines() == lines);
    again.remove();
  } catch (const molgen3d::Error&) {
    // Not our journal: it stays as it is.
    std::ifstream file(path, std::ios::binary);
    require(std::string((std::istreambuf_iterator<char>(file)), {}) == text);
  }
  require(!fs::exists(path) || fs::remove(path));
  return 0;
}
