// Times the trace reader on one file and prints check values: trace_bench FILE [threads].
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>

#include "trace/trace_reader.h"

using namespace molgen3d::trace;

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  ReadOptions options;
  options.use_cache = false;
  if (argc > 2) options.threads = std::atoi(argv[2]);
  const auto start = std::chrono::steady_clock::now();
  const Trace t = read_trace(argv[1], options);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  int64_t sum = 0;
  uint64_t complete = 0;
  for (size_t i = 0; i < t.slices.size(); ++i) {
    sum += t.slices.dur[i];
    complete += t.slices.kind[i] == SliceKind::kComplete;
  }
  fmt::print("wall {:.2f} s, user {}.{:02} s, system {}.{:02} s, peak {} MB\n", wall.count(),
             use.ru_utime.tv_sec, use.ru_utime.tv_usec / 10000, use.ru_stime.tv_sec,
             use.ru_stime.tv_usec / 10000, use.ru_maxrss / 1024);
  fmt::print(
      "events {}, complete slices {}, slices {}, sum of dur {} ns, json {} bytes, issues {}\n",
      t.events, complete, t.slices.size(), sum, t.json_bytes, t.issue_counts.size());
}
