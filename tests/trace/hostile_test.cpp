// Files made to exhaust the reader: each is read in a process of its own, whose peak memory counts.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <functional>

#include "base/error.h"
#include "trace/store/args_store.h"
#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

constexpr const char* kGood = R"({"ph":"X","name":"good","pid":1,"tid":2,"ts":5,"dur":1})";

/// Peak memory in MB of a process that runs `body`; fails the test when it does not return true.
double peak_mb(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    bool good = false;
    try {
      good = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  rusage use{};
  wait4(child, &status, 0, &use);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  return static_cast<double>(use.ru_maxrss) / 1024;
}

Trace read(const std::string& path, size_t max_bytes = size_t{16} << 30) {
  ReadOptions options;
  options.use_cache = false;
  options.max_bytes = max_bytes;
  return read_trace(path, options);
}

bool holds_good_events(const Trace& t, size_t count) {
  if (t.slices.size() != count) return false;
  for (size_t i = 0; i < count; ++i) {
    if (t.strings.view(t.slices.name[i]) != "good") return false;
  }
  return true;
}

/// A gzip file of members; `middle` is written `times` times between the two others.
std::string bomb(const TestFolder& folder, const std::string& first, const std::string& middle,
                 size_t times, const std::string& last) {
  const std::string path = folder.file("bomb.json.gz");
  std::ofstream file(path, std::ios::binary);
  const std::string repeated = gzip(middle);
  file << gzip(first);
  for (size_t i = 0; i < times; ++i) file << repeated;
  file << gzip(last);
  return path;
}

class Hostile : public ::testing::Test {
 protected:
  const TestFolder folder_;
};

TEST_F(Hostile, TenGigabytesOfNothing) {
  // A hole in the file: 10 GB to read, nothing on the disk. Events before and after it are found.
  const std::string path = folder_.file("hole.json");
  {
    std::ofstream file(path, std::ios::binary);
    file << R"({"traceEvents":[)" << kGood << ",";
    file.seekp(static_cast<std::streamoff>(10) << 30);
    file << kGood << "]}";
  }
  EXPECT_LT(peak_mb([&] {
              const Trace t = read(path);
              return holds_good_events(t, 2) && t.closed && t.issues.empty();
            }),
            100);
}

TEST_F(Hostile, OneGiantString) {
  // 2 GB of one name from 2 MB of gzip.
  const std::string path =
      bomb(folder_, std::string("[") + kGood + R"(,{"ph":"X","name":")", std::string(64 << 20, 'x'),
           32, std::string("\"},\n") + kGood + "]");
  EXPECT_LT(peak_mb([&] {
              const Trace t = read(path);
              return holds_good_events(t, 2) && !t.issues.empty();
            }),
            400);
}

TEST_F(Hostile, DeepNesting) {
  // Args of 20 million levels, and of 200 within the limit of one event.
  std::string levels;
  for (int i = 0; i < 1000000; ++i) levels += R"([{"k":)";
  const std::string path =
      bomb(folder_, std::string("[") + kGood + R"(,{"ph":"X","name":"deep","args":)", levels, 20,
           "\n" + std::string(",") + kGood + "]");
  EXPECT_LT(peak_mb([&] {
              const Trace t = read(path);
              return t.slices.size() >= 1 && !t.issues.empty();
            }),
            400);
  std::string args = R"({"k":)";
  for (int i = 0; i < 100000; ++i) args += "[";
  for (int i = 0; i < 100000; ++i) args += "]";
  args += "}";
  const Trace t = read(folder_.write(
      "args.json",
      R"([{"ph":"X","name":"good","pid":1,"tid":2,"ts":5,"dur":1,"args":)" + args + "}]"));
  EXPECT_TRUE(holds_good_events(t, 1));
  EXPECT_LE(parse_args(args_text(t, 0)).size(), 1U);
}

TEST_F(Hostile, AsManyNamesAsEvents) {
  // Strings and columns stop at the limit that the caller sets.
  const std::string path = folder_.file("names.json");
  {
    std::ofstream file(path, std::ios::binary);
    file << "[";
    const std::string tail(200, 'n');
    for (int i = 0; i < 1000000; ++i) {
      file << R"({"ph":"X","name":")" << i << tail << R"(","pid":)" << i << R"(,"tid":2,"ts":)" << i
           << R"(,"dur":1},)";
    }
    file << kGood << "]";
  }
  EXPECT_LT(peak_mb([&] {
              const Trace t = read(path, 64 << 20);
              return t.stopped_by_limit && t.slices.size() > 1000;
            }),
            250);
}

}  // namespace
}  // namespace molgen3d::trace
