// The recorder's files, read back by the strict reader.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "trace/record/device_recorder.h"
#include "trace/record/span_writer.h"
#include "trace/reports/report_parts.h"
#include "trace/reports/trace_check.h"
#include "trace/store/args_store.h"
#include "trace_test_files.h"

namespace molgen3d {
namespace {

using trace::Trace;

Trace read(const std::string& path) {
  trace::ReadOptions options;
  options.use_cache = false;
  return trace::read_trace(path, options);
}
std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out.append(line).append("\n");
  return out;
}
const trace::NameStats* stats_of(const Trace& t, std::string_view name) {
  for (const auto& s : t.stats) {
    if (t.strings.view(s.name) == name) return &s;
  }
  return nullptr;
}

TEST(SpanWriter, ThreadsPhasesDevicesAndCountersComeBackClean) {
  const trace::TestFolder folder;
  for (const char* name : {"run.json", "run.json.gz"}) {
    const std::string path = folder.file(name);
    {
      TraceRecorder recorder({.path = path,
                              .process_name = "test \"quoted\"",
                              .metadata = {{"command", "a\nb"}, {"seed", "7"}}});
      recorder.name_thread("main loop");
      const uint32_t custom = recorder.intern("custom \x01 span");
      ScopedSpan run(&recorder, RunPhase::kRun);
      std::vector<std::thread> threads;
      for (int k = 0; k < 3; ++k) {
        threads.emplace_back([&] {
          for (int i = 0; i < 1000; ++i) {
            ScopedSpan step(&recorder, RunPhase::kDecodeStep, {.step = i, .rows = 4, .tokens = 4});
            ScopedSpan sample(&recorder, RunPhase::kSample);
            ScopedSpan inner(&recorder, custom);
          }
        });
      }
      const uint64_t t0 = TraceRecorder::now_ns();
      // Two kernels that overlap on one stream, one behind them, a copy, a launch.
      const uint32_t kernel_a = recorder.intern("kernel_a");
      const uint32_t kernel_b = recorder.intern("kernel_b");
      const auto kernel = [](uint32_t name, uint64_t begin, uint64_t end, uint64_t correlation) {
        return DeviceSpan{
            .lane = 7, .name = name, .begin_ns = begin, .end_ns = end, .correlation = correlation};
      };
      std::vector<DeviceSpan> spans = {
          kernel(kernel_a, t0 + 1000, t0 + 3000, 5), kernel(kernel_b, t0 + 2000, t0 + 4000, 6),
          kernel(kernel_a, t0 + 3000, t0 + 3500, 7), kernel(kernel_a, 0, 1, 1),  // no time
          kernel(kernel_a, t0 + 5, t0, 1)};  // ends before it begins
      spans[0].operation = recorder.intern("attention");
      spans[0].layer = 3;
      spans[0].graph_node = 11;
      spans.push_back({.kind = DeviceSpanKind::kCopy,
                       .lane = 7,
                       .name = recorder.intern("Memcpy DtoH"),
                       .begin_ns = t0 + 5000,
                       .end_ns = t0 + 6000,
                       .correlation = UINT64_MAX,
                       .bytes = 64});
      spans.push_back({.kind = DeviceSpanKind::kRuntime,
                       .lane = 4242,
                       .name = recorder.intern("cudaLaunchKernel"),
                       .begin_ns = t0,
                       .end_ns = t0 + 500,
                       .correlation = 5});
      recorder.add_device_spans(spans);
      recorder.add_counter(recorder.intern("rows"), 32);
      for (std::thread& t : threads) t.join();
      run.end();
      recorder.close();
      EXPECT_EQ(recorder.counts().dropped, 0u);
      EXPECT_EQ(recorder.counts().rejected_device, 2u);
      EXPECT_EQ(recorder.counts().written, 9000u + 1 + 5 + 1);
    }
    const Trace t = read(path);
    EXPECT_TRUE(trace::check_importable(t).empty()) << joined(trace::check_importable(t));
    EXPECT_EQ(t.slices.size(), 9000u + 1 + 5);
    EXPECT_EQ(stats_of(t, "decode step")->count, 3000);
    EXPECT_EQ(stats_of(t, "custom \x01 span")->count, 3000);
    EXPECT_EQ(stats_of(t, "kernel_b")->total, 2000);
    EXPECT_EQ(trace::token_count(t), 12000);
    EXPECT_EQ(t.slices.gpu_rows.size(), 4u);
    EXPECT_EQ(t.slices.runtime_rows.size(), 1u);
    std::string operation;
    for (const uint32_t row : t.slices.gpu_rows) {
      for (const trace::ArgLeaf& leaf : trace::parse_args(trace::args_text(t, row))) {
        if (leaf.key == "operation" || leaf.key == "layer" || leaf.key == "graph node id")
          operation += leaf.text + ";";
      }
    }
    EXPECT_EQ(operation, "11;attention;3;");
    EXPECT_EQ(t.counters.size(), 1u);
    EXPECT_EQ(t.counters[0].value, 32.0);
    EXPECT_EQ(std::count_if(t.metadata.begin(), t.metadata.end(),
                            [](const auto& m) { return m.second == "\"a\\nb\""; }),
              1);
    bool named = false;
    for (const auto& thread : t.threads) named |= t.strings.view(thread.name) == "main loop";
    EXPECT_TRUE(named);
  }
}

TEST(SpanWriter, NullRecorderAndFullRing) {
  ScopedSpan nothing(nullptr, RunPhase::kSample);
  nothing.end();
  const trace::TestFolder folder;
  TraceRecorder recorder({.path = folder.file("small.json"), .ring_records = 16});
  const uint64_t now = TraceRecorder::now_ns();
  for (int i = 0; i < 100000; ++i) recorder.add_span(0, now + i, now + i + 1);
  recorder.close();
  const auto counts = recorder.counts();
  EXPECT_EQ(counts.written + counts.dropped, 100000u);
  EXPECT_GT(counts.dropped, 0u);
  const Trace t = read(folder.file("small.json"));
  EXPECT_TRUE(t.closed);
  EXPECT_EQ(t.slices.size(), counts.written + 1);  // and the remark about the loss
}

// Without a driver the cause is said, and the file of the host's spans is whole all the same; with
// one, recording starts and stops.
TEST(DeviceRecorder, StartsOrSaysWhyNot) {
  const trace::TestFolder folder;
  const std::string path = folder.file("device.json");
  {
    TraceRecorder recorder({.path = path});
    std::string why;
    EXPECT_EQ(DeviceRecorder::start(recorder, KernelDetail::kNone, &why), nullptr);
    EXPECT_EQ(why, "not asked for");
    for (int turn = 0; turn < 2; ++turn) {
      why.clear();
      const auto device = DeviceRecorder::start(recorder, KernelDetail::kNode, &why);
      ASSERT_EQ(device == nullptr, !why.empty()) << why;
      if (device) {
        std::string second;
        EXPECT_EQ(DeviceRecorder::start(recorder, KernelDetail::kGraph, &second), nullptr);
        EXPECT_EQ(second, "another recording runs");
        device->stop();
        device->stop();
        EXPECT_EQ(device->counts().dropped, 0U);
      }
    }
    { ScopedSpan span(&recorder, RunPhase::kRun); }
    recorder.close();
  }
  EXPECT_TRUE(trace::check_importable(read(path)).empty());
}

TEST(SpanWriter, MemoryStaysWhileTheFileGrows) {
  const trace::TestFolder folder;
  TraceRecorder recorder({.path = folder.file("long.json")});
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 10000; ++i) ScopedSpan span(&recorder, RunPhase::kForward);
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
  }
  recorder.close();
  // 200,000 spans through a ring of 32,768.
  EXPECT_EQ(recorder.counts().written + recorder.counts().dropped, 200000u);
  EXPECT_GT(recorder.counts().written, 32768u);
}

TEST(SpanWriter, ErrorsNameTheFile) {
  EXPECT_THROW(TraceRecorder({.path = "/nonexistent/folder/t.json"}), Error);
  if (access("/dev/full", W_OK) == 0) {
    TraceRecorder recorder({.path = "/dev/full"});
    { ScopedSpan span(&recorder, RunPhase::kRun); }
    try {
      recorder.close();
      FAIL() << "a full disk went unnoticed";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("/dev/full"), std::string::npos);
    }
  }
}

TraceRecorder* interrupted_recorder = nullptr;
void on_interrupt(int) {
  _exit(interrupted_recorder->close_from_signal() ? 0 : 1);
}

TEST(SpanWriter, AnInterruptStillClosesTheFile) {
  const trace::TestFolder folder;
  for (const char* name : {"int.json", "int.json.gz"}) {
    const std::string path = folder.file(name);
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
      TraceRecorder recorder({.path = path});
      interrupted_recorder = &recorder;
      signal(SIGINT, on_interrupt);
      for (uint64_t i = 0;; ++i) {
        ScopedSpan step(&recorder, RunPhase::kDecodeStep, {.step = static_cast<int32_t>(i % 1000)});
        if (i == 5000 && write(ready[1], "x", 1) != 1) _exit(2);
      }
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    kill(child, SIGINT);
    int status = 0;
    waitpid(child, &status, 0);
    close(ready[0]);
    close(ready[1]);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    const Trace t = read(path);
    EXPECT_TRUE(t.closed);
    EXPECT_TRUE(trace::check_importable(t).empty()) << joined(trace::check_importable(t));
    EXPECT_GE(t.slices.size(), 5000u);
  }
}

TEST(SpanWriter, TheStrictReaderFindsWhatViewersWouldDrop) {
  const auto complaints = [](const std::string& events) {
    return trace::check_importable(trace::read_text("{\"traceEvents\":[" + events + "]}"));
  };
  const std::string names =
      R"({"ph":"M","name":"process_name","pid":1,"args":{"name":"p"}},)"
      R"({"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"t"}},)";
  const auto x = [](int ts, int dur, const std::string& more = "") {
    return R"({"ph":"X","name":"n","pid":1,"tid":2,"ts":)" + std::to_string(ts) + R"(,"dur":)" +
           std::to_string(dur) + more + "}";
  };
  EXPECT_TRUE(complaints(names + x(0, 10) + "," + x(10, 5)).empty());
  EXPECT_EQ(complaints(names + x(0, 10) + "," + x(5, 10)).size(), 1u);
  EXPECT_EQ(complaints(x(0, 10)).size(), 1u);
  EXPECT_EQ(complaints(names + x(0, 10, R"(,"args":{"correlation":9007199254740993})")).size(), 1u);
  EXPECT_EQ(complaints(names + R"({"ph":"B","name":"b","pid":1,"tid":2,"ts":1})").size(), 1u);
  EXPECT_EQ(complaints(names + R"({"ph":"X","name":"b","pid":1,"tid":2,"ts":1})").size(), 1u);
}

}  // namespace
}  // namespace molgen3d
