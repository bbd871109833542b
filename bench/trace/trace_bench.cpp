// Times reading, reports, SQL, cache and recorder on one trace and prints one table.
// usage: trace_bench TRACE.json.gz [RUNS]
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "trace/read/trace_reader.h"
#include "trace/record/span_writer.h"
#include "trace/reports/compare.h"
#include "trace/reports/reports.h"
#include "trace/sql/sql.h"
#include "trace/store/column_cache.h"

using namespace molgen3d;
using namespace molgen3d::trace;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_of(const timespec& t) {
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Sample {
  double wall = 0;
  double cpu = 0;     // all threads
  double caller = 0;  // the thread that counts: with a core for each, the wall time
  double peak_mb = 0;
};

// Runs `body` in a process of its own, so that memory and CPU time are its alone. `body` returns
// the wall seconds of the part that counts.
Sample in_child(const std::function<double()>& body) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    timespec used{};
    double times[2] = {body(), 0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    times[1] = seconds_of(used);
    const bool sent = write(pipe_ends[1], times, sizeof times) == sizeof times;
    _exit(sent ? 0 : 1);
  }
  Sample s;
  close(pipe_ends[1]);
  double times[] = {-1, -1};
  if (read(pipe_ends[0], times, sizeof times) != sizeof times) times[0] = -1;
  s.wall = times[0];
  s.caller = times[1];
  close(pipe_ends[0]);
  int status = 0;
  rusage use{};
  wait4(child, &status, 0, &use);
  s.cpu = static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
          static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
  s.peak_mb = static_cast<double>(use.ru_maxrss) / 1024;
  return s;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void line(const std::string& what, int runs, const std::function<double()>& body) {
  std::vector<double> wall, cpu, caller, peak;
  for (int i = 0; i < runs; ++i) {
    const Sample s = in_child(body);
    wall.push_back(s.wall);
    cpu.push_back(s.cpu);
    caller.push_back(s.caller);
    peak.push_back(s.peak_mb);
  }
  fmt::print("{:<52} {:>9.3f} {:>9.3f} {:>9.2f} {:>9.2f} {:>9.0f}\n", what, median(wall),
             *std::min_element(wall.begin(), wall.end()), median(cpu), median(caller),
             median(peak));
  std::fflush(stdout);
}

ReadOptions without_cache(int threads) {
  ReadOptions options;
  options.use_cache = false;
  options.threads = threads;
  return options;
}

double timed(const std::function<void()>& body) {
  const auto start = Clock::now();
  body();
  return seconds_since(start);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: trace_bench TRACE.json.gz [RUNS]\n");
    return 2;
  }
  const std::string path = argv[1];
  const int runs = argc > 2 ? std::max(1, std::atoi(argv[2])) : 3;
  {
    const Trace t = read_trace(path, without_cache(2));
    int64_t sum = 0;
    uint64_t complete = 0;
    for (size_t i = 0; i < t.slices.size(); ++i) {
      if (t.slices.kind[i] != SliceKind::kComplete) continue;
      sum += t.slices.dur[i];
      ++complete;
    }
    fmt::print("{}: {} events, {} complete slices, {} ns summed duration, {} bytes of JSON\n", path,
               t.events, complete, sum, t.json_bytes);
    std::string problem;
    if (save_column_cache(t, problem).empty()) fmt::print("no cache: {}\n", problem);
  }
  fmt::print("{} runs each; cpu and peak are those of the whole process, loading included\n", runs);
  fmt::print("{:<52} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "what", "median_s", "best_s", "cpu_s",
             "caller_s", "peak_mb");
  for (const int threads : {2, 1}) {
    line(fmt::format("cold read to columns and totals, {} thread(s)", threads), runs,
         [&] { return timed([&] { read_trace(path, without_cache(threads)); }); });
  }
  line("second command: cache to first report (top)", runs,
       [&] { return timed([&] { report_top(read_trace(path), {}); }); });
  const auto report = [&](const char* name, auto function) {
    line(fmt::format("report after load: {}", name), runs, [&] {
      const Trace t = read_trace(path);
      function(t);  // pages of the cache file come in
      return timed([&] { function(t); });
    });
  };
  report("top", [](const Trace& t) { return report_top(t, {}); });
  report("gpu", [](const Trace& t) { return report_gpu(t, {}); });
  report("launches", [](const Trace& t) { return report_launches(t, {}); });
  report("memory", [](const Trace& t) { return report_memory(t, {}); });
  report("steps", [](const Trace& t) { return report_steps(t, {}); });
  report("small", [](const Trace& t) { return report_small(t, {}); });
  const auto sql = [&](const char* name, const char* query) {
    line(fmt::format("SQL: {}", name), runs, [&] {
      const Trace t = read_trace(path);
      SqlDatabase database(t);
      return timed([&] { database.query(query); });
    });
  };
  sql("group by name over all slices",
      "SELECT name, COUNT(*) AS n, SUM(dur)/1e6 AS ms FROM slice GROUP BY name ORDER BY ms DESC");
  sql("LIKE on names, grouped",
      "SELECT name, COUNT(*) n, SUM(dur) FROM slice WHERE name LIKE '%copy%' GROUP BY name");
  sql("kernels joined to their launches on correlation",
      "SELECT COUNT(*), SUM(k.ts - r.ts) FROM slice k JOIN slice r ON k.correlation = "
      "r.correlation "
      "WHERE k.category = 'kernel' AND r.category = 'cuda_runtime'");
  sql("the 50 longest at depth <= 2 by time",
      "SELECT ts, dur, name FROM slice WHERE dur > 100000000 AND depth <= 2 ORDER BY ts LIMIT 50");

  // The recorder: spans of one thread, written to a compressed file meanwhile.
  constexpr int kSpans = 20000;
  constexpr int kRounds = 20;
  line(fmt::format("recorder: {} spans (time of the recording thread)", kSpans * kRounds), runs,
       [&] {
         const std::string file = "/tmp/molgen3d_bench_" + std::to_string(getpid()) + ".json.gz";
         TraceRecorder recorder({.path = file});
         double spent = 0;
         for (int round = 0; round < kRounds; ++round) {
           const auto start = Clock::now();
           for (int i = 0; i < kSpans; ++i) {
             ScopedSpan span(&recorder, RunPhase::kSample, {.step = i, .rows = 32, .tokens = 32});
           }
           spent += seconds_since(start);
           // A real step takes milliseconds: give the writing thread its turn.
           std::this_thread::sleep_for(std::chrono::milliseconds(100));
         }
         recorder.close();
         unlink(file.c_str());
         if (recorder.counts().dropped > 0) fmt::print("dropped {}\n", recorder.counts().dropped);
         return spent;
       });
}
