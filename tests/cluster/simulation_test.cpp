// 10,000 tasks on a bad cluster, by a clock of its own: jobs are preempted, run out of time, die
// with their node or alone, nodes are slow, journals lose their last lines, and some records kill
// whatever touches them. States, journals, results and the merge are the real ones. Nothing is
// lost, nothing stands there twice. Prints the figures of docs/clusters.md.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <queue>
#include <random>
#include <set>
#include <sstream>

#include "base/error.h"
#include "cluster/merge.h"
#include "cluster/status.h"
#include "cluster/task_files.h"
#include "files/journal.h"
#include "files/output_file.h"

// Some 100,000 files are made sure of on their way; what is asked here is not what the disk does.
extern "C" int fsync(int) {
  return 0;
}
extern "C" int fdatasync(int) {
  return 0;
}

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTasks = 10000, kRecords = 40;
constexpr size_t kSlots = 400;         // jobs at once
constexpr double kRecordSeconds = 50;  // on a usual node: a task takes 2,000 s
constexpr double kLimit = 3600, kMargin = 120;
constexpr double kSlowShare = 0.05, kSlowness = 5;
constexpr double kDeathShare = 0.03, kNodeShare = 0.02, kPreemptShare = 0.08;  // of attempts
constexpr size_t kPoisonous = 25;

struct Figures {
  size_t jobs = 0, attempts = 0, deaths = 0, node_failures = 0, preemptions = 0, time_outs = 0;
  size_t made = 0, lost_lines = 0, torn_lines = 0, aside = 0, most_requeues = 0;
  double busy = 0, end = 0;
};

class Simulation {
 public:
  explicit Simulation(const fs::path& folder) : submission_(Submission::create(folder.string())) {
    Manifest manifest;
    manifest.command = "generate";
    manifest.folder = folder.string();
    manifest.output = (folder / "merged").string();
    manifest.profile.local = true;
    manifest.most_requeues = 20;
    manifest.chemistry = {"simulated", "simulated"};
    manifest.identity = {{"seed", "1"}};
    for (size_t task = 0; task < kTasks; ++task)
      manifest.shards.push_back({task * kRecords, kRecords, kRecords * 500.0});
    submission_.write_manifest(std::move(manifest));
    while (poisonous_.size() < kPoisonous) poisonous_.insert(random_() % (kTasks * kRecords));
    for (size_t task = 0; task < kTasks; ++task) {
      submission_.make_folders(task);
      waiting_.push(task);
    }
  }

  void run() {
    using Slot = std::pair<double, size_t>;  // when it is free, which node
    std::priority_queue<Slot, std::vector<Slot>, std::greater<>> slots;
    for (size_t node = 0; node < kSlots; ++node) slots.emplace(0, node);
    while (!waiting_.empty()) {
      const auto [now, node] = slots.top();
      slots.pop();
      const size_t task = waiting_.front();
      waiting_.pop();
      const bool slow = static_cast<double>(node) < kSlowShare * kSlots;
      const double spent = job(task, kRecordSeconds * (slow ? kSlowness : 1));
      figures.busy += spent;
      figures.end = std::max(figures.end, now + spent);
      slots.emplace(now + spent, node);
    }
  }

  Figures figures;
  std::set<uint64_t> poisonous_;
  const Submission& submission() const { return submission_; }

 private:
  enum class Event : uint8_t { kNone, kDeath, kNode, kPreempted };

  double uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  // One job of Slurm, to its end: how long it took. Queues the task again where Slurm would.
  double job(size_t task, double record_seconds) {
    ++figures.jobs;
    double used = 0;
    for (;;) {
      TaskState state = read_state(submission_, task);
      if (state.phase == TaskPhase::kGaveUp) return used;
      ++state.attempts;
      ++figures.attempts;
      write_state(submission_, task, state);
      const Attempt attempt = work(task, state, record_seconds, used);
      used = attempt.used;
      switch (attempt.end) {
        case End::kDone:
          return used;
        case End::kDied:
          after_death(state, attempt.progress, "signal 11 (Segmentation fault)");
          write_state(submission_, task, state);
          ++figures.deaths;
          continue;
        case End::kNode:
          ++figures.node_failures;
          waiting_.push(task);  // Slurm, for --requeue
          return used;
        case End::kStopped: {
          const JobEnd end = after_stop(state, attempt.progress.done, kLimit - used, kMargin, 20);
          write_state(submission_, task, state);
          if (end == JobEnd::kGaveUp) return used;
          ++(end == JobEnd::kLeave ? figures.preemptions : figures.time_outs);
          figures.most_requeues = std::max<size_t>(figures.most_requeues, state.requeues);
          waiting_.push(task);
          return used;
        }
      }
    }
  }

  enum class End : uint8_t { kDone, kDied, kNode, kStopped };
  struct Attempt {
    End end = End::kDone;
    double used = 0;
    TaskProgress progress;
  };

  Event draw_event() {
    const double draw = uniform();
    if (draw < kDeathShare) return Event::kDeath;
    if (draw < kDeathShare + kNodeShare) return Event::kNode;
    return draw < kDeathShare + kNodeShare + kPreemptShare ? Event::kPreempted : Event::kNone;
  }

  // The program: record after record, each finished one into the journal.
  Attempt work(size_t task, const TaskState& state, double record_seconds, double used) {
    Attempt out;
    out.used = used;
    const std::string path = submission_.task_file(task, "out.journal");
    const Event event = draw_event();
    const size_t at = random_() % kRecords;
    bool torn = false;
    {
      Journal journal =
          Journal::open(path, Journal::Start::kResume, {{"task", std::to_string(task)}});
      std::set<uint64_t> finished;
      for (const std::string& line : journal.take_lines())
        finished.insert(std::stoull(line.substr(5)));
      out.progress.done = finished.size();
      for (uint64_t record = 0; record < kRecords; ++record) {
        ++out.progress.read;
        if (finished.contains(record) || state.aside.contains(record)) continue;
        const bool poison = poisonous_.contains(task * kRecords + record);
        const bool careful = state.mode.at_a_time > 0 && record < state.mode.careful_until;
        if (poison || (event == Event::kDeath && record == at)) {
          if (!careful) out.progress.read = kRecords;  // all of a small shard are read ahead
          out.end = End::kDied;
          return out;
        }
        out.used += record_seconds;
        if (out.used >= kLimit - kMargin) {
          out.end = End::kStopped;
          return out;
        }
        if (event == Event::kPreempted && record == at) {
          out.end = End::kStopped;
          return out;
        }
        journal.append("{\"r\":" + std::to_string(record) + "}");
        finished.insert(record);
        ++figures.made;
        ++out.progress.done;
        if (event == Event::kNode && record == at) {
          torn = true;
          break;
        }
      }
      if (!torn) {
        finish(task, state, finished);
        journal.remove();
        return out;
      }
    }
    lose_lines(path);
    out.end = End::kNode;
    return out;
  }

  // A machine that fails takes what was not on the disk yet, and may leave half a line.
  void lose_lines(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    std::string rest = text.str();
    for (int lines = static_cast<int>(random_() % 3); lines > 0; --lines) {
      const size_t end = rest.rfind('\n', rest.size() - 2);
      if (rest.find('\n') == rest.size() - 1) break;  // the header stays
      rest.resize(end + 1);
      ++figures.lost_lines;
    }
    const bool torn = random_() % 2 == 0;
    figures.torn_lines += torn ? 1 : 0;
    std::ofstream(path) << rest << (torn ? "{\"r\":1" : "");
  }

  void finish(size_t task, const TaskState& state, const std::set<uint64_t>& finished) {
    std::string output, failed;
    for (uint64_t record = 0; record < kRecords; ++record) {
      const uint64_t index = task * kRecords + record;
      if (state.aside.contains(record))
        failed += std::to_string(index) + "\n";
      else if (finished.contains(record))
        output += std::to_string(index) + "\n";
    }
    write_file(submission_.task_output(task), output);
    if (!failed.empty()) write_file(submission_.task_file(task, "failed.jsonl"), failed);
    TaskResult result;
    result.records = kRecords;
    result.kept = finished.size();
    result.dropped = state.aside.size();
    result.output_bytes = output.size();
    result.identity = {{"seed", "1"}, {"device", "cuda"}};
    result.chemistry = submission_.manifest().chemistry;
    write_result(submission_, task, result);
    figures.aside += state.aside.size();
  }

  Submission submission_;
  std::mt19937_64 random_{20261128};
  std::queue<size_t> waiting_;
};

std::vector<uint64_t> numbers_in(const std::string& path) {
  std::vector<uint64_t> out;
  std::ifstream file(path);
  for (uint64_t number; file >> number;) out.push_back(number);
  return out;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TEST(Simulation, LosesNothingAndDoublesNothing) {
  const fs::path folder =
      fs::temp_directory_path() / ("molgen3d_simulation_" + std::to_string(::getpid()));
  Simulation simulation(folder);
  simulation.run();
  const Figures& f = simulation.figures;

  auto begin = std::chrono::steady_clock::now();
  const SubmissionStatus status = status_of(simulation.submission());
  const double status_seconds = seconds_since(begin);
  EXPECT_TRUE(status.complete());
  begin = std::chrono::steady_clock::now();
  const MergeOutcome merged = merge(simulation.submission(), {});
  const double merge_seconds = seconds_since(begin);

  std::vector<uint64_t> wanted, aside;
  for (uint64_t index = 0; index < kTasks * kRecords; ++index)
    (simulation.poisonous_.contains(index) ? aside : wanted).push_back(index);
  EXPECT_EQ(numbers_in(merged.output), wanted);
  EXPECT_EQ(numbers_in(merged.failed), aside);
  EXPECT_EQ(f.aside, kPoisonous);
  // The cluster was as bad as it should be.
  for (const size_t count :
       {f.deaths, f.node_failures, f.preemptions, f.time_outs, f.lost_lines, f.torn_lines})
    EXPECT_GT(count, 50U);

  size_t files = 0, bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    bytes += entry.file_size();
  }
  const size_t manifest = fs::file_size(folder / "manifest.json");
  const double ideal = static_cast<double>(wanted.size()) * kRecordSeconds;
  std::printf("tasks %zu, records %zu, jobs at once %zu\n", kTasks, kTasks * kRecords, kSlots);
  std::printf("jobs %zu, attempts %zu\n", f.jobs, f.attempts);
  std::printf(
      "program deaths %zu, node failures %zu, preemptions %zu, time-outs %zu (at most %zu a "
      "task)\n",
      f.deaths, f.node_failures, f.preemptions, f.time_outs, f.most_requeues);
  std::printf("journal lines lost %zu, torn %zu; records made twice %zu; set aside %zu\n",
              f.lost_lines, f.torn_lines, f.made - wanted.size(), f.aside);
  std::printf("busy %.0f h, %.2f times what usual nodes without failures need; end after %.1f h\n",
              f.busy / 3600, f.busy / ideal, f.end / 3600);
  std::printf("files %zu (%.1f a task), %zu bytes, manifest %zu bytes (%.0f a task)\n", files,
              static_cast<double>(files) / kTasks, bytes, manifest,
              static_cast<double>(manifest) / kTasks);
  std::printf("status %.2f s, merge %.2f s\n", status_seconds, merge_seconds);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace molgen3d
