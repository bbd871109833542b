// Any bytes as what a data set's folder says about itself: dataset.json of a finished one, or the
// last line of an unfinished one's journal. Refused with a cause, or taken; no other end.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "dataset/folder_writer.h"
#include "dataset/inspection.h"

using namespace molgen3d;
namespace fs = std::filesystem;

static const RunIdentity kInputs = {{"version", "1"}};

static DatasetJob job_in(const fs::path& folder) {
  DatasetJob job;
  job.folder = folder;
  job.resume = true;
  return job;
}

static void finished(const DatasetJob& job, const std::string& text) {
  std::ofstream(job.folder / kDescriptionFile, std::ios::binary) << text;
  try {
    for (const fs::path& file : dataset_files(job.folder)) {
      if (file.parent_path() != job.folder) std::abort();
    }
  } catch (const Error&) {
  }
  FolderWriter writer(job, kInputs);
  if (!writer.was_complete()) std::abort();
}

static void unfinished(const DatasetJob& job, const std::string& text) {
  const nlohmann::json line = nlohmann::json::parse(text, nullptr, false);
  if (!line.is_object() || text.find('\n') != std::string::npos) return;
  {
    RunIdentity identity = described(job.settings);
    identity.insert(identity.begin(), kInputs.begin(), kInputs.end());
    Journal journal = Journal::open(job.folder / kJournalFile, Journal::Start::kNew, identity);
    journal.append(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  for (const fs::path& file : FolderWriter::files_of(job.folder, job.settings))
    std::ofstream(file, std::ios::binary) << "0123456789abcdef";
  FolderWriter writer(job, kInputs);
  writer.checkpoint();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  static const fs::path folder = fs::path(fs::exists("/dev/shm") ? "/dev/shm" : "/tmp") /
                                 ("molgen3d_fuzz_dataset_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    data[0] % 2 == 0 ? finished(job_in(folder), text) : unfinished(job_in(folder), text);
  } catch (const Error&) {
  }
  fs::remove_all(folder);
  return 0;
}
