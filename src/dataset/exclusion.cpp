#include "dataset/exclusion.h"

#include <filesystem>
#include <unordered_map>

#include "base/error.h"
#include "base/seeded_hash.h"
#include "dataset/tasks.h"
#include "generation/record_stream.h"

namespace molgen3d {

namespace {

using Status = WorkerPool::Result::Status;

/// Results are asked for at least this often, so that an interrupt is seen.
constexpr std::chrono::milliseconds kPatience{200};
/// Tasks ahead of the workers.
constexpr size_t kAhead = 256;
constexpr size_t kExamples = 10;

}  // namespace

void require_readable(const std::vector<std::string>& files, const ReaderOptions& options) {
  for (const std::string& file : files) {
    std::error_code ignored;
    // A name that is no file is not meant as a SMILES here; a pipe gives its bytes only once.
    if (file != "-" && (!std::filesystem::exists(file, ignored) || can_be_read_again(file)))
      RecordReader(file, options);
  }
}

void ExclusionList::read(const std::vector<std::string>& files, const ReaderOptions& options,
                         WorkerPool& pool,
                         const std::function<void(const std::string&)>& unreadable,
                         const std::function<bool()>& stop) {
  require_readable(files, options);
  RecordStream stream(files, options);
  InputRecord record;
  std::string source;
  std::unordered_map<uint64_t, std::string> places;  // of the records under way, for messages
  const auto lost = [&](const std::string& line) {
    ++unreadable_;
    unreadable(line);
  };
  for (bool more = true; more || pool.outstanding() > 0;) {
    if (stop()) return;
    while (more && pool.outstanding() < kAhead) {
      more = stream.next(record, source);
      if (!more) break;
      ++records_;
      if (!record.ok()) {
        lost(record_failure(source, record, record.cause));
        continue;
      }
      places[record.index] = record_failure(source, record, "");
      pool.submit(record.index, keys_task(record));
    }
    const auto result = pool.wait(kPatience);
    if (!result) continue;
    const auto place = places.extract(result->id);
    if (result->status != Status::kDone) {
      lost(place.mapped() + result->cause);
      continue;
    }
    Identity keys = identity_of_reply(result->reply);
    graphs_.insert(std::move(keys.graph));
    if (!keys.scaffold.empty()) scaffolds_.insert(std::move(keys.scaffold));
  }
}

AbsenceCheck check_absent(const std::vector<const DatasetFile*>& files, const ExclusionList& list,
                          WorkerPool& pool, const std::function<void(uint64_t)>& progress,
                          const std::function<bool()>& stop) {
  AbsenceCheck check;
  TextMap<size_t> home;  // graph -> the file it was seen in first
  struct Place {
    size_t file;
    uint64_t record;
    std::string smiles;
  };
  std::unordered_map<uint64_t, Place> places;
  size_t file = 0;
  uint64_t next = 0;
  uint64_t id = 0;
  const auto example = [&](const Place& place, const std::string& what) {
    if (check.examples.size() >= kExamples) return;
    check.examples.push_back(fmt::format("{}: record {}: {}: {}",
                                         files[place.file]->path().string(), place.record,
                                         in_quotes(place.smiles), what));
  };
  while (file < files.size() || pool.outstanding() > 0) {
    if (stop()) return check;
    while (file < files.size() && pool.outstanding() < kAhead) {
      if (next == files[file]->size()) {
        ++file;
        next = 0;
        continue;
      }
      InputRecord record;
      record.smiles = files[file]->record(next).smiles;
      places[id] = {file, next++, record.smiles};
      pool.submit(id++, keys_task(record));
    }
    const auto result = pool.wait(kPatience);
    if (!result) continue;
    const Place place = places.extract(result->id).mapped();
    if (result->status != Status::kDone) {
      throw Error::format("{}: record {}: {}: {}", files[place.file]->path().string(), place.record,
                          in_quotes(place.smiles), result->cause);
    }
    progress(++check.molecules);
    const Identity keys = identity_of_reply(result->reply);
    if (list.has_graph(keys.graph)) {
      ++check.hits;
      example(place, "is on the list");
    } else if (list.has_scaffold(keys.scaffold)) {
      ++check.scaffold_hits;
      example(place, "has a scaffold of the list");
    }
    const auto [first, fresh] = home.try_emplace(keys.graph, place.file);
    if (!fresh && first->second != place.file) {
      ++check.shared;
      example(place, "is in " + files[first->second]->path().string() + " too");
    }
  }
  return check;
}

}  // namespace molgen3d
