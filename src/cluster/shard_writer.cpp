#include <fcntl.h>
#include <fmt/format.h>

#include <filesystem>
#include <unordered_map>

#include "base/error.h"
#include "base/thread_pool.h"
#include "cluster/shard_records.h"
#include "cluster/submit.h"
#include "files/output_file.h"
#include "generation/prompt.h"
#include "generation/record_stream.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

constexpr size_t kChunk = 1024;
// Of an answer: coordinates and the text between them, an atom; tags and the rest, once.
constexpr double kTokensPerAtom = 20, kTokensPerAnswer = 20;
// What a record costs that gives no sample: reading it.
constexpr double kRefused = 1;

// The records between reading and cutting, uncompressed.
class Spool {
 public:
  explicit Spool(std::string path) : path_(std::move(path)), output_(path_) {}
  ~Spool() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  void add(const FedRecord& record, double tokens) {
    output_.write(shard_line(record));
    costs_.push_back(static_cast<float>(tokens));
    total_ += tokens;
  }
  void close() { output_.close(); }
  double total() const { return total_; }
  const std::vector<float>& costs() const { return costs_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  OutputFile output_;
  std::vector<float> costs_;
  double total_ = 0;
};

struct Measured {
  FedRecord fed;
  uint64_t hash = 0;
  double tokens = kRefused;
  bool ok = false;
};

void measure(Measured& one, const ShardSettings& settings) {
  const Prompt prompt = make_prompt(one.fed.record, one.fed.source, settings.prompt);
  one.ok = prompt.ok();
  if (!one.ok) return;
  one.hash = prompt_hash(prompt.text_template.smiles);
  one.tokens =
      settings.samples *
      (kTokensPerAnswer + kTokensPerAtom * static_cast<double>(prompt.molecule->atom_count()));
}

void fill(Spool& spool, const std::vector<std::string>& inputs, const ReaderOptions& reader,
          const ShardSettings& settings, const std::function<void(size_t)>& progress) {
  RecordStream records(inputs, reader);
  ThreadPool pool(settings.threads);
  std::unordered_map<uint64_t, uint64_t> seen;
  size_t taken = 0;
  for (bool more = true; more;) {
    std::vector<Measured> chunk;
    while (chunk.size() < kChunk && (settings.limit == 0 || taken < settings.limit)) {
      Measured one;
      if (!(more = records.next(one.fed.record, one.fed.source))) break;
      chunk.push_back(std::move(one));
      ++taken;
    }
    more = more && !chunk.empty() && chunk.size() == kChunk;
    pool.parallel_for(chunk.size(), 8, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) measure(chunk[i], settings);
    });
    for (Measured& one : chunk) {
      if (one.ok) one.fed.repeat = seen[one.hash]++;
      spool.add(one.fed, one.tokens);
    }
    if (progress) progress(taken);
  }
  spool.close();
}

// A shard ends where the total passes the next multiple of its share.
std::vector<ShardPlan> cut(const std::vector<float>& costs, double total, size_t tasks) {
  std::vector<ShardPlan> shards;
  double passed = 0;
  for (size_t i = 0; i < costs.size(); ++i) {
    const double share = total / static_cast<double>(tasks);
    const bool full = passed >= share * static_cast<double>(shards.size());
    // The last records are enough for the shards that are left: one each.
    const bool must = costs.size() - i == tasks - shards.size();
    if (shards.empty() || (shards.size() < tasks && (full || must))) shards.push_back({i, 0, 0});
    ++shards.back().records;
    shards.back().tokens += costs[i];
    passed += costs[i];
  }
  return shards;
}

}  // namespace

std::vector<ShardPlan> write_shards(const Submission& submission,
                                    const std::vector<std::string>& inputs,
                                    const ReaderOptions& reader, const ShardSettings& settings,
                                    const std::function<void(size_t)>& progress) {
  Spool spool(submission.folder() + "/records.spool");
  fill(spool, inputs, reader, settings, progress);
  if (spool.costs().empty()) throw Error("there are no records in the input");
  size_t tasks = settings.tasks;
  if (tasks == 0) {
    tasks = static_cast<size_t>(
        std::max(1.0, spool.total() / (settings.rate * settings.seconds) + 0.999));
  }
  tasks = std::min(tasks, spool.costs().size());
  const std::vector<ShardPlan> shards = cut(spool.costs(), spool.total(), tasks);
  LineSource lines = LineSource::file(spool.path());
  std::string line;
  for (size_t task = 0; task < shards.size(); ++task) {
    submission.make_folders(task);
    OutputFile output(submission.records(task));
    for (size_t i = 0; i < shards[task].records; ++i) {
      if (lines.next(line, size_t{1} << 27) != LineSource::Status::kLine)
        throw Error::format("{}: ends early", spool.path());
      output.write(line + "\n");
    }
    output.close();
  }
  return shards;
}

}  // namespace molgen3d
